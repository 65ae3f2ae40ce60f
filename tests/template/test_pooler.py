"""The service behind a real PgBouncer in transaction mode: who speaks next has another's session."""

import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.conftest import run
from tests.proxies import PgBouncer, pooled

CALLS = """
import asyncio
import json
import sys
from collections import Counter

from httpx2 import ASGITransport, AsyncClient

from main import create_app
from make_token import bearer


async def main():
    service, statuses, numbers = create_app(), Counter(), iter(range(int(sys.argv[1])))
    transport = ASGITransport(service, raise_app_exceptions=False)
    client = AsyncClient(transport=transport, base_url="http://test", headers=bearer("ada"))

    async def call():
        for number in numbers:
            if number % 10:
                answer = await client.get("/users?limit=5")
            else:
                user = {"username": f"u{number}", "email": f"u{number}@example.com"}
                who = bearer(f"u{number}")
                answer = await client.post("/users", json=user, headers=who)
            statuses[answer.status_code] += 1

    async with service.router.lifespan_context(service), client:
        await asyncio.gather(*(call() for _ in range(10)))
    print("answers", json.dumps(statuses))


asyncio.run(main())
"""


@pytest.fixture
def database(fork: Path) -> str:
    run("make", "migrate", at=fork).check_returncode()
    return run("make", "-s", "db-url", at=fork).stdout.strip()


def answers(
    calls: int, fork: Path, pgbouncer: PgBouncer, database: str, pooler: str
) -> tuple[dict[str, int], str]:
    """How many answers of each status there were, and the log."""
    settings = {
        "DATABASE_POOLER": pooler,
        "DEVELOPMENT_KEY": "k" * 32,
        "ENVIRONMENT": "development",
    }
    # Fewer sessions than the service has connections.
    with pooled(pgbouncer, database, fork, default_pool_size=3) as url:
        env = settings | {"DATABASE_URL": f"{url}/transaction"}
        called = run("uv", "run", "python", "-c", CALLS, str(calls), at=fork, env=env)
    log = called.stdout + called.stderr
    found = re.search(r"^answers (.*)$", log, re.MULTILINE)
    assert found, log
    return json.loads(found[1]), log


def test_two_thousand_calls_through_pgbouncer_do_not_fail_once(
    fork: Path, pgbouncer: PgBouncer, database: str
) -> None:
    found, log = answers(2000, fork, pgbouncer, database, "true")
    assert found == {"200": 1800, "201": 200}, log[-5000:]


def test_without_the_setting_the_pooler_refuses_every_connection(
    fork: Path, pgbouncer: PgBouncer, database: str
) -> None:
    found, log = answers(20, fork, pgbouncer, database, "false")
    assert set(found) == {"503"}
    assert "unsupported startup parameter" in log


def test_what_is_prepared_through_this_pooler_fails_so_that_the_calls_above_prove_something(
    fork: Path, pgbouncer: PgBouncer, database: str
) -> None:
    with pooled(pgbouncer, database, fork, default_pool_size=3) as url, ExitStack() as sessions:
        connections = [
            sessions.enter_context(psycopg.connect(f"{url}/transaction", prepare_threshold=0))
            for _ in range(6)
        ]
        with pytest.raises((errors.DuplicatePreparedStatement, errors.InvalidSqlStatementName)):
            take_turns(connections)


def take_turns(connections: list[psycopg.Connection[Any]]) -> None:
    for connection in connections * 20:
        connection.execute("SELECT 1")
        connection.commit()
