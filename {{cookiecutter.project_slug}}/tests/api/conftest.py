from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from pydantic import SecretStr

from infrastructure.settings import Settings
from main import assemble


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[FastAPI]:
    """The whole service, wired as in production."""
    app = assemble(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(service: FastAPI) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(service), base_url="http://test") as client:
        yield client


@pytest.fixture
async def cut_off() -> AsyncIterator[AsyncClient]:
    """Speaks to a service whose database is gone; it can still refuse what makes no sense."""
    service = assemble(Settings(database_url=SecretStr("postgresql://127.0.0.1:1/nowhere")))
    async with AsyncClient(transport=ASGITransport(service), base_url="http://test") as client:
        yield client
