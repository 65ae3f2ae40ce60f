from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from pydantic import SecretStr

from infrastructure.settings import Settings
from main import assemble
from make_token import bearer


def speaking_to(service: FastAPI) -> AsyncClient:
    transport = ASGITransport(service)
    return AsyncClient(transport=transport, base_url="http://test", headers=bearer("ada"))


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[FastAPI]:
    """The whole service, wired as in production."""
    app = assemble(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(service: FastAPI) -> AsyncIterator[AsyncClient]:
    """Ada, whoever she is."""
    async with speaking_to(service) as client:
        yield client


@pytest.fixture
async def cut_off() -> AsyncIterator[AsyncClient]:
    """Speaks to a service whose database is gone; it can still refuse what makes no sense."""
    service = assemble(Settings(database_url=SecretStr("postgresql://127.0.0.1:1/nowhere")))
    async with speaking_to(service) as client:
        yield client
