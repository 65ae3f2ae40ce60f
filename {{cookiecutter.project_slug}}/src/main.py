"""The composition root: the one module that knows all layers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from infrastructure.logging import configure_logging
from infrastructure.persistence.database import create_engine, create_sessions
from infrastructure.persistence.schema_version import why_not_ready
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from infrastructure.settings import Settings, read_settings
from presentation.api.app import create_api


def create_app() -> FastAPI:
    """The service as the environment configures it: `uvicorn main:create_app --factory`."""
    settings = read_settings()
    configure_logging(
        settings.log_level, service=settings.service_name, environment=settings.environment
    )
    return assemble(settings)


def assemble(settings: Settings) -> FastAPI:
    """Settings -> engine -> unit of work -> API. The engine is disposed of when the API ends."""
    engine = create_engine(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    return create_api(
        settings.service_name,
        unit_of_work=partial(SqlUnitOfWork, create_sessions(engine)),
        why_not_ready=partial(why_not_ready, engine, settings.migrations_dir),
        lifespan=lifespan,
    )
