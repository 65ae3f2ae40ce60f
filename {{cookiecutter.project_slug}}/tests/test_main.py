import json
import logging
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from httpx2 import ASGITransport, AsyncClient
from pydantic import SecretStr

from infrastructure.settings import Settings
from main import assemble, create_app

ROOT = Path(__file__).parents[1]


@pytest.fixture
def own_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is configured is undone after the test."""
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging.root, "level", logging.root.level)
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("own_logging")
def test_each_log_line_is_json_whoever_wrote_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere")
    monkeypatch.setenv("SERVICE_NAME", "demo")

    create_app()
    logging.getLogger("uvicorn.error").info("theirs")
    logging.getLogger("uvicorn.error").debug("too quiet")
    structlog.stdlib.get_logger("ours").error("ours", exc_info=ValueError("cause"))

    theirs, ours = map(json.loads, capsys.readouterr().out.splitlines())
    assert (theirs["event"], theirs["service"], theirs["level"]) == ("theirs", "demo", "info")
    assert (ours["event"], ours["service"], ours["level"]) == ("ours", "demo", "error")
    assert "ValueError: cause" in ours["exception"]


URL = SecretStr("postgresql://")


def test_the_api_is_described_by_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    info = assemble(Settings(database_url=URL, service_name="ours")).openapi()["info"]

    assert info == {
        "title": "ours",
        "version": project["version"],
        "description": project["description"],
    }


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("environment", "asked", "status"),
    [
        ("development", None, 200),
        ("development", False, 404),
        ("production", None, 404),
        ("production", True, 200),
    ],
)
async def test_production_shows_its_documentation_only_if_asked_to(
    environment: str, asked: bool | None, status: int
) -> None:
    settings = Settings(
        database_url=URL,
        environment=environment,
        docs_enabled=asked,
        oidc_issuer="https://id.example.com",
        oidc_audience="us",
    )
    service = assemble(settings)
    async with AsyncClient(transport=ASGITransport(service), base_url="http://test") as client:
        for path in ("/docs", "/redoc", "/openapi.json"):
            assert (await client.get(path)).status_code == status


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("origins", "allowed"),
    [("", None), ("https://a.example, https://b.example", "https://b.example")],
)
async def test_other_origins_get_answers_only_if_they_are_named(
    origins: str, allowed: str | None
) -> None:
    service = assemble(Settings(database_url=URL, cors_origins=origins))
    asked = {
        "Origin": "https://b.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization, if-match",
    }
    async with AsyncClient(transport=ASGITransport(service), base_url="http://test") as client:
        for response in (
            await client.options("/users/1", headers=asked),
            await client.get("/nowhere", headers={"Origin": "https://b.example"}),
        ):
            assert response.headers.get("access-control-allow-origin") == allowed
        strange = await client.get("/nowhere", headers={"Origin": "https://c.example"})
        assert "access-control-allow-origin" not in strange.headers
