"""The parts of the drill: what counts as lost, what is repeated, and what is said where it cannot be run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from modelmigrate.delivery.drill import run
from modelmigrate.delivery.drill.picture import draw
from modelmigrate.delivery.drill.story import Drill
from modelmigrate.delivery.drill.traffic import Event, Proxy, ask
from modelmigrate.delivery.drill.versions import Version
from modelmigrate.errors import Exit, MigrateError
from tests.package.harness import Project

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FAULT = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"
NOTHING = b""


class Upstream(NamedTuple):
    name: str
    port: int


@asynccontextmanager
async def serving(name: str, answer: bytes) -> AsyncIterator[Upstream]:
    """A version that gives each request the same answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield Upstream(name, server.sockets[0].getsockname()[1])


async def asked(active: bytes, fallback: bytes | None) -> tuple[Proxy, int]:
    """What the proxy does with one request."""
    proxy = Proxy()
    async with (
        serving("active", active) as one,
        serving("fallback", fallback or b"") as other,
        await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as server,
    ):
        proxy.begin(server.sockets[0].getsockname()[1], one)
        proxy.fallback = other if fallback is not None else None
        async with proxy.under_load(["/"], ""):
            await asyncio.sleep(0.05)
        return proxy, (await ask(proxy.port, "/")).status


@pytest.mark.parametrize(
    ("active", "fallback", "status", "is_lost"),
    [
        (GOOD, None, 200, False),
        (FAULT, None, 500, True),
        (HALF, None, 502, True),
        (NOTHING, None, 502, True),
        (FAULT, GOOD, 200, False),
        (HALF, GOOD, 200, False),
        (FAULT, FAULT, 500, True),
    ],
)
def test_a_request_is_lost_unless_a_version_answers_it_in_full(
    active: bytes, fallback: bytes | None, status: int, is_lost: bool
) -> None:
    proxy, seen = asyncio.run(asked(active, fallback))
    assert seen == status
    assert (proxy.lost > 0) == is_lost
    assert (proxy.repeated > 0) == (fallback is not None)


def test_a_step_that_fails_under_load_is_told_as_it_is() -> None:
    async def fail() -> None:
        async with Proxy().under_load(["/"], ""):
            raise MigrateError("the new version is not ready")

    with pytest.raises(MigrateError, match="is not ready"):
        asyncio.run(fail())


def test_the_picture_has_a_dot_for_each_answer_and_a_line_for_each_step() -> None:
    events = [Event(0.1, "old", 200), Event(0.2, "<new>", 500), Event(0.3, "<new>", 0)]
    picture = ET.fromstring(draw(events, [(0.15, "handed over & gone")]))  # noqa: S314 ours
    tags = [each.tag.rpartition("}")[2] for each in picture.iter()]
    assert tags.count("circle") == 3
    assert "handed over & gone" in "".join(picture.itertext())


@pytest.mark.parametrize("file", ["src/shop/models.py", "src/shop/models/__init__.py"])
def test_a_version_differs_in_its_models_wherever_they_are(
    project: Project, tmp_path: Path, file: str
) -> None:
    (project.folder / "pyproject.toml").write_text(
        '[tool.modelmigrate]\nmodels = "shop.models:Root"\n'
    )
    begun = tmp_path / "begun"
    (begun / file).parent.mkdir(parents=True)
    (begun / file).write_text("class Root: ...\n")
    old = Version("begun", begun, {}).copy("old", "drill_before")
    new = old.copy("new", "drill_after")
    text = (new.folder / file).read_text()
    assert text.startswith("class Root: ...\n")
    assert "Root.registry" in text
    assert ("drill_after" in text, "drill_before" in text) == (True, False)


def test_a_project_without_a_service_is_told_so(project: Project) -> None:
    refused = project.run("drill")
    assert refused.code == Exit.ERROR
    assert "there is no src/main.py" in refused.err
    assert "Nothing was started" in refused.err


def test_a_drill_that_loses_a_request_fails_and_draws_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def drilled(folder: Path, drill: Drill) -> None:
        proxy, _ = await asked(FAULT, None)
        drill.proxy.events += proxy.events
        drill.proxy.lost = proxy.lost

    (project.folder / "src").mkdir()
    (project.folder / "src" / "main.py").touch()
    monkeypatch.setattr(run, "_run", drilled)
    failed = project.run("drill")
    assert failed.code == Exit.ERROR
    assert "request(s) were lost" in failed.err
    assert "active  500" in failed.err
    assert (project.folder / "docs" / "schema" / "deploy-drill.svg").is_file()
