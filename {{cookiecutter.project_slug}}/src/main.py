"""The composition root: the one module that knows all layers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import entry_points

import structlog
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from application.ports import Identify
from infrastructure.logging import configure_logging
from infrastructure.persistence.database import create_engine, create_sessions
from infrastructure.persistence.schema_version import DatabaseSchema, keep_asking, remembered
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from infrastructure.settings import Settings, read_settings
from infrastructure.tokens import Provider, identify_developer
from presentation.api.app import create_api

log = structlog.stdlib.get_logger()


def create_app() -> FastAPI:
    """The service as the environment configures it: `uvicorn main:create_app --factory`."""
    settings = read_settings()
    configure_logging(
        settings.log_level, service=settings.service_name, environment=settings.environment
    )
    return assemble(settings)


def assemble(settings: Settings) -> FastAPI:
    """Settings -> engine -> unit of work -> API. The engines are disposed of when the API ends."""
    engine = create_engine(settings)
    # Probes have a connection of their own: they tell the truth however busy the others are.
    of_one = {"database_pool_size": 1, "database_max_overflow": 0, "database_pool_pre_ping": True}
    schema = DatabaseSchema(
        create_engine(settings.model_copy(update=of_one)), settings.migrations_dir
    )
    why_not_ready = remembered(schema.why_not_ready)
    # A transaction around what only reads is two round trips for nothing, but for its limits.
    reading = engine
    if not settings.database_pooler:
        reading = engine.execution_options(isolation_level="AUTOCOMMIT")
    this = next((each.dist for each in entry_points(group="service") if each.dist), None)
    identify: Identify = partial(identify_developer, settings.development_key.get_secret_value())
    if settings.oidc_issuer:
        identify = Provider(settings.oidc_issuer, settings.oidc_audience).identify
    docs = settings.docs_enabled
    if docs is None:
        docs = settings.environment != "production"

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        asking = asyncio.create_task(keep_asking(why_not_ready))
        yield
        asking.cancel()
        await asyncio.wait([asking])
        await engine.dispose()
        await schema.engine.dispose()

    return create_api(
        unit_of_work=partial(SqlUnitOfWork, create_sessions(engine)),
        reading=partial(SqlUnitOfWork, create_sessions(reading)),
        identify=identify,
        why_not_ready=why_not_ready,
        schema_version=lambda: schema.version if settings.schema_version_header else None,
        max_body_bytes=settings.max_body_bytes,
        exports_telemetry=_is_observed(engine, settings),
        cors_origins=settings.cors_origins.replace(",", " ").split(),
        title=settings.service_name,
        version=this.version if this else "unknown",
        description=this.metadata["Summary"] if this else "",
        openapi_url="/openapi.json" if docs else None,
        lifespan=lifespan,
    )


def _is_observed(engine: AsyncEngine, settings: Settings) -> bool:
    """Nothing of telemetry is imported unless somebody wants it; a service can do without."""
    if not settings.otel_exporter_otlp_endpoint:
        return False
    try:
        from infrastructure.telemetry import observe
    except ImportError:
        log.warning("no telemetry, for want of packages; install them: uv sync --extra telemetry")
        return False
    observe(engine.sync_engine, settings.service_name)
    return True
