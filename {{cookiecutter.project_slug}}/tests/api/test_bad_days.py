"""What callers get while the database is busy, slow or gone: 503 soon, and never a 500."""

import asyncio
import shutil
import socket
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from modelmigrate.atlas.commands import apply_to_scratch
from modelmigrate.atlas.directory import read_migrations
from modelmigrate.isolation import without_libpq_variables
from modelmigrate.postgres import account, processes
from modelmigrate.postgres.server import own_url
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from structlog.typing import EventDict

from infrastructure.settings import Settings
from main import assemble
from make_token import bearer

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[AsyncClient]:
    service = assemble(settings)
    async with (
        service.router.lifespan_context(service),
        AsyncClient(
            transport=ASGITransport(service), base_url="http://test", headers=bearer("ada")
        ) as client,
    ):
        yield client


def limited(settings: Settings, **limits: Any) -> AbstractAsyncContextManager[AsyncClient]:
    return serving(settings.model_copy(update={"service_name": "patient"} | limits))


# Sessions of a service that `limited` made for this test; others, beside it, have databases of their own.
PATIENT = (
    "SELECT query FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'patient %'"
)


async def waiting_for_a_lock(engine: AsyncEngine) -> None:
    """Returns once the service waits for a lock of somebody else."""
    query = text(f"{PATIENT} AND wait_event_type = 'Lock'")
    while True:
        async with engine.connect() as watcher:
            if (await watcher.execute(query)).all():
                return


async def lock_users(connection: AsyncConnection) -> None:
    await connection.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))


def assert_unavailable(response: Response, logs: list[EventDict], cause: str) -> None:
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"] == "1"
    [told] = [log for log in logs if log["event"] == "database is not available"]
    assert cause in told["cause"]
    assert not [log for log in logs if "exc_info" in log]


async def test_where_no_connection_is_free_callers_are_sent_away_and_probes_hear_the_truth(
    settings: Settings, engine: AsyncEngine, logs: list[EventDict]
) -> None:
    pool = {"database_pool_size": 1, "database_max_overflow": 0, "database_pool_timeout": 1}
    async with limited(settings, **pool) as client:
        async with engine.begin() as connection:
            await lock_users(connection)
            served = asyncio.create_task(client.get("/users"))
            await waiting_for_a_lock(engine)
            response = await client.get("/users")
            assert (await client.get("/readyz")).status_code == 200
        assert_unavailable(response, logs, "no connection is free")
        assert (await served).status_code == 200


async def test_a_statement_that_takes_too_long_is_given_up(
    settings: Settings, engine: AsyncEngine, logs: list[EventDict]
) -> None:
    async with limited(settings, database_statement_timeout=1) as client:
        async with engine.begin() as connection:
            await lock_users(connection)
            response = await client.get("/users")
        assert_unavailable(response, logs, "canceling statement due to statement timeout")
        assert (await client.get("/users")).status_code == 200


async def test_reads_go_on_after_a_migration_that_changes_a_type(
    settings: Settings, engine: AsyncEngine
) -> None:
    async with limited(settings) as client:
        for size in (300, 400):
            for _ in range(10):
                assert (await client.get("/users")).status_code == 200
            async with engine.begin() as connection:
                await connection.execute(
                    text(f"ALTER TABLE users ALTER email TYPE varchar({size})")
                )


async def test_a_read_is_its_statement_without_a_transaction_around_it(
    settings: Settings, engine: AsyncEngine
) -> None:
    query = text(f"{PATIENT} AND query LIKE '%users%'")
    async with limited(settings) as client:
        await client.get("/users")
        async with engine.connect() as watcher:
            last = (await watcher.scalars(query)).all()

    assert [each.split()[0] for each in last] == ["SELECT"]


async def test_a_database_that_is_gone_is_told_as_what_it_is(
    cut_off: AsyncClient, logs: list[EventDict]
) -> None:
    assert_unavailable(await cut_off.get("/users"), logs, "Connection refused")


async def test_who_loses_a_deadlock_tries_again(settings: Settings, engine: AsyncEngine) -> None:
    async with limited(settings) as client:
        made = await client.post("/users", json={"username": "ada", "email": "a@example.com"})
        body = {"username": "bob", "email": "b@example.com"}
        bob = await client.post("/users", json=body, headers=bearer("bob"))
        body = {"name": "Engines", "owner_id": made.json()["id"]}
        team = (await client.post("/teams", json=body)).headers["location"]
        seat, anyhow = f"{team}/members/{bob.json()['id']}", {"If-Match": "*"}
        await client.put(seat, json={"role": "member"}, headers=anyhow)

        async with engine.begin() as connection:
            # The service looks for a deadlock first: it has waited for longer.
            await connection.execute(text("SET deadlock_timeout = '1min'"))
            await connection.execute(text("SELECT FROM teams FOR UPDATE"))
            deleted = asyncio.create_task(
                client.delete(f"/users/{bob.json()['id']}", headers=anyhow | bearer("bob"))
            )
            await waiting_for_a_lock(engine)
            await connection.execute(text("SELECT FROM users FOR UPDATE"))
        assert (await deleted).status_code == 204
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM memberships")) == 1


@pytest.fixture
def silence() -> Iterator[str]:
    """The URL of a server that takes connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql://127.0.0.1:{server.getsockname()[1]}/nowhere"


async def test_a_database_that_does_not_answer_is_no_reason_for_probes_to_wait(
    silence: str,
) -> None:
    settings = Settings(database_url=SecretStr(silence), database_connect_timeout=600)
    async with serving(settings) as client, asyncio.timeout(60):
        assert (await client.get("/readyz")).status_code == 503


@pytest.fixture
def server() -> Iterator[tuple[Settings, Callable[[], None]]]:
    """Settings for a server of the test's own with the migrated schema, and how to restart it."""
    project = Path(tempfile.mkdtemp(prefix="restarted-"))
    project.chmod(0o755)
    data = project / ".postgres"  # there, or what watches the server would end it as nobody's
    data.mkdir(mode=0o700)
    if owner := account.server_account():
        shutil.chown(data, *owner)
    restart = partial(processes.start, project, data, "scratch")
    try:
        with without_libpq_variables():
            restart()
            url = own_url(data, "scratch", restart)
            apply_to_scratch(url, len(read_migrations()))
            yield Settings(database_url=SecretStr(url)), restart
    finally:
        processes.stop(data, "scratch")
        processes.remove_socket_folder(data)
        shutil.rmtree(project)


async def test_after_a_restart_of_the_server_calls_succeed_again_and_none_was_a_500(
    server: tuple[Settings, Callable[[], None]],
) -> None:
    settings, restart = server
    statuses: Counter[int] = Counter()
    is_warm, is_over = asyncio.Event(), False

    async with serving(settings) as client, asyncio.timeout(60):

        async def call(caller: int) -> None:
            status = calls = 0
            while not is_over or status == 503:
                await asyncio.sleep(0)  # a refusal may come without any wait, and others must go on
                name = f"user-{caller}-{(calls := calls + 1)}"
                body = {"username": name, "email": f"{name}@example.com"}
                answer = await client.post("/users", json=body, headers=bearer(name))
                status = answer.status_code
                statuses[status] += 1
                if statuses[201] == 20:
                    is_warm.set()

        async with asyncio.TaskGroup() as callers:
            for number in range(8):
                callers.create_task(call(number))
            await is_warm.wait()
            await asyncio.to_thread(restart)
            is_over = True

    assert statuses.keys() == {201, 503}
