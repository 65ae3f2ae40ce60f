"""A deployment drilled on this machine, under load: two versions of the service, and a proxy between."""

import asyncio
import secrets
import shutil
import signal
import sys
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

from modelmigrate import project
from modelmigrate.delivery.drill.picture import draw
from modelmigrate.delivery.drill.story import (
    Drill,
    newest_known,
    paths_of,
    release_that_fails,
    release_that_succeeds,
)
from modelmigrate.delivery.drill.traffic import Proxy
from modelmigrate.delivery.drill.versions import Version
from modelmigrate.errors import MigrateError
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.terminal import say

COPIED = ("pyproject.toml", "atlas.hcl", "load_models.py", "make_token.py", "seed.py", "migrations")


def deploy_drill() -> str:
    """Deploy a version that fails and one that succeeds, on a database that is dropped afterwards; the
    report. A picture of all requests is written, whatever comes of it.

    Raises:
        MigrateError: a request was lost, or a step did not go as it should.
    """
    source = project.root() / project.settings().source
    if not (source / "main.py").is_file():
        raise MigrateError(
            f"there is no {project.relative(source)}/main.py with a `create_app`, which the drill serves."
            " Nothing was started."
        )
    proxy, marks = Proxy(), list[tuple[float, str]]()

    def tell(text: str) -> None:
        marks.append((proxy.seconds, text))
        say(f"{proxy.seconds:5.1f} s  {text}")

    say("deploy drill: two versions of the service are made, on a database of their own ...")
    with scratch_database() as url, tempfile.TemporaryDirectory(prefix="deploy-drill-") as folder:
        try:
            asyncio.run(_run(Path(folder), Drill(proxy, tell, url)))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            if proxy.events:
                say(f"picture: {_write(draw(proxy.events, marks))}")
    if proxy.lost:
        raise MigrateError(f"{proxy.lost} request(s) were lost.\n{_counts(proxy)}")
    return f"{_counts(proxy)}\nNo request was lost; nothing is left of the drill."


async def _run(folder: Path, drill: Drill) -> None:
    if (task := asyncio.current_task()) and sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with AsyncExitStack() as ending:
        old = original(folder, drill.url).copy("old", "drill_before")
        await old.command("create", "as before the drill")
        new = old.copy("new", "drill_after")
        await new.command("create", "as after the drill", "--rename", "none")
        wrong = new.copy("wrong", "drill_wrong")
        await old.command("apply", "--env", "drill", "--yes")
        for version in (old, new, wrong):
            ending.push_async_callback(version.stop)
        await old.start()
        drill.token = await old.output("make_token.py", "drill")
        await old.output("seed.py")
        drill.paths = await paths_of(old, drill.token)
        server = await asyncio.start_server(drill.proxy.serve, "127.0.0.1", 0)
        ending.push_async_callback(server.wait_closed)
        ending.callback(server.close)
        drill.proxy.begin(server.sockets[0].getsockname()[1], old)
        async with drill.proxy.under_load(drill.paths, drill.token):
            drill.tell(f"the old version serves {', '.join(drill.paths)} at {newest_known(old)}")
            await release_that_fails(drill, old, wrong)
            await release_that_succeeds(drill, old, new)


def original(folder: Path, url: str) -> Version:
    """A copy of the project, with what a service of ours has to be told."""
    copy = folder / "original"
    copy.mkdir()
    for name in (*COPIED, project.settings().source):
        if (file := project.root() / name).is_dir():
            shutil.copytree(file, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif file.exists():
            shutil.copy(file, copy / name)
    settings = {"DATABASE_URL": url, "SERVICE_NAME": project.name(), "ENVIRONMENT": "development"}
    settings |= {"DEVELOPMENT_KEY": secrets.token_hex(32), "DOCS_ENABLED": "true"}
    settings |= dict.fromkeys(("OIDC_ISSUER", "OIDC_AUDIENCE", "OTEL_EXPORTER_OTLP_ENDPOINT"), "")
    return Version("original", copy, settings)


def _write(picture: str) -> str:
    file = project.diagrams_dir() / "deploy-drill.svg"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(picture, encoding="utf-8")
    return project.relative(file)


def _counts(proxy: Proxy) -> str:
    counts = Counter((event.version, event.status) for event in proxy.events)
    lines = [
        f"  {version:<6}{status or 'none':>5}{count:>7}"
        for (version, status), count in sorted(counts.items())
    ]
    return "\n".join(
        [f"answers by version and status; {proxy.repeated} repeated by the old version:", *lines]
    )
