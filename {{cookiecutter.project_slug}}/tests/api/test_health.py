import pytest
from httpx2 import ASGITransport, AsyncClient
from structlog.typing import EventDict

from infrastructure.persistence.schema_version import newest_migration
from infrastructure.settings import Settings
from main import assemble

pytestmark = pytest.mark.anyio


async def test_a_service_with_a_migrated_database_is_ready(client: AsyncClient) -> None:
    assert (await client.get("/readyz")).status_code == 200


async def test_a_service_without_its_database_lives_but_is_not_ready(cut_off: AsyncClient) -> None:
    alive, ready = await cut_off.get("/healthz"), await cut_off.get("/readyz")

    assert (alive.status_code, ready.status_code) == (200, 503)
    assert ready.headers["content-type"] == "application/problem+json"
    assert ready.json()["detail"] == "The database does not answer."


@pytest.mark.parametrize("shown", [True, False])
async def test_answers_say_the_version_of_the_schema_unless_that_is_switched_off(
    settings: Settings, shown: bool
) -> None:
    service = assemble(settings.model_copy(update={"schema_version_header": shown}))
    async with (
        service.router.lifespan_context(service),
        AsyncClient(transport=ASGITransport(service), base_url="http://test") as client,
    ):
        await client.get("/readyz")
        answer = await client.get("/nowhere")

    known = newest_migration(settings.migrations_dir)
    assert answer.headers.get("x-schema-version") == (known if shown else None)


async def test_probes_are_in_the_log_for_those_who_debug(
    client: AsyncClient, logs: list[EventDict]
) -> None:
    for path in ("/healthz", "/readyz", "/users"):
        await client.get(path)

    assert [(log["route"], log["log_level"]) for log in logs] == [
        ("/healthz", "debug"),
        ("/readyz", "debug"),
        ("/users", "info"),
    ]
