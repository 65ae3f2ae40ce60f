"""Databases for tests: the migrations are applied to one, of which each test gets its own copy."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs
from structlog.typing import EventDict

from infrastructure.persistence.database import create_engine
from infrastructure.settings import Settings
from tools.schema.history import migrations
from tools.schema.postgres import scratch_database
from tools.schema.replay import replayed

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    # psycopg cannot work with the event loop that is the default on Windows.
    return "asyncio", {"loop_factory": asyncio.SelectorEventLoop}


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    """What is logged, kept off the terminal."""
    with capture_logs() as logs:
        yield logs


@pytest.fixture(scope="session")
def migrated_database() -> Iterator[str]:
    if not any((ROOT / "migrations").glob("*.sql")):
        pytest.exit("migrations/ is empty; first run: make migrate-create m=initial", returncode=1)
    with replayed(migrations()) as url:
        yield url


@pytest.fixture
def settings(migrated_database: str) -> Iterator[Settings]:
    with scratch_database(template=migrated_database) as url:
        yield Settings(database_url=SecretStr(url))


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(settings)
    yield engine
    await engine.dispose()
