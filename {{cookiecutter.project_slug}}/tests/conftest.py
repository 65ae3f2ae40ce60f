"""What tests share. Each that asks for `settings` or `engine` gets a migrated database of its own."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs
from structlog.typing import EventDict

from infrastructure.persistence.database import create_engine
from infrastructure.settings import Settings

# Tests sign their own tokens, whatever `.env` says.
os.environ |= {"ENVIRONMENT": "", "OIDC_ISSUER": "", "DEVELOPMENT_KEY": secrets.token_urlsafe(32)}
# ... and send nothing to where it says that traces go.
for name in [name for name in os.environ if name.startswith("OTEL_")]:
    del os.environ[name]


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    # psycopg cannot work with the event loop that is the default on Windows.
    return "asyncio", {"loop_factory": asyncio.SelectorEventLoop}


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    """What is logged, kept off the terminal."""
    with capture_logs() as logs:
        yield logs


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings for a database of the test's own: a copy of the migrated one, by modelmigrate."""
    return Settings(database_url=SecretStr(database_url))


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(settings)
    yield engine
    await engine.dispose()
