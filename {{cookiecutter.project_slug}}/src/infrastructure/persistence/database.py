"""The connection pool with its limits, and sessions that do not see what was softly deleted."""

from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from domain.models import SoftDeletable
from infrastructure.persistence.schema_version import newest_migration
from infrastructure.settings import Settings

LIVE = with_loader_criteria(
    SoftDeletable, lambda cls: cls.deleted_at.is_(None), include_aliases=True
)


class LiveSession(Session):
    """Leaves rows that are softly deleted out of every SELECT."""


@event.listens_for(LiveSession, "do_orm_execute")
def _leave_out_deleted(execution: ORMExecuteState) -> None:
    if execution.is_select and not execution.is_column_load:
        execution.statement = execution.statement.options(LIVE)


def create_engine(settings: Settings) -> AsyncEngine:
    """A pool that connects when it is first asked to. What the URL says has the last word."""
    url = make_url(settings.database_url.get_secret_value())
    limits = {
        "statement_timeout": settings.database_statement_timeout * 1000,
        "idle_in_transaction_session_timeout": settings.database_idle_timeout * 1000,
    }
    known = newest_migration(settings.migrations_dir)
    ours: dict[str, Any] = {
        # For `make schema-gate`, which waits until nobody is connected that knows too old a schema.
        "application_name": f"{settings.service_name[:40]} schema={known}",
        "connect_timeout": settings.database_connect_timeout,
        # What is prepared on the server fails once a migration has changed the type of a column.
        "prepare_threshold": None,
    }
    ours = {name: value for name, value in ours.items() if name not in url.query}
    if not settings.database_pooler:  # behind it sessions are shared: nothing may stay in one
        options = [f"-c {name}={value}" for name, value in limits.items()]
        ours["options"] = " ".join([*options, str(url.query.get("options", ""))])
    engine = create_async_engine(
        url,
        connect_args=ours,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_max_overflow,
        pool_timeout=settings.database_pool_timeout,
        pool_pre_ping=settings.database_pool_pre_ping,
        skip_autocommit_rollback=True,
        hide_parameters=True,  # values are personal data, which logs must not hold
    )
    event.listen(engine.sync_engine, "handle_error", _leave_out_values)
    if settings.database_pooler:
        calls = (f"set_config('{name}', '{value}', true)" for name, value in limits.items())
        query = f"SELECT {', '.join(calls)}"
        event.listen(engine.sync_engine, "begin", lambda begun: begun.exec_driver_sql(query))
    return engine


def _leave_out_values(context: ExceptionContext) -> None:
    """PostgreSQL's DETAIL and CONTEXT quote rows, and a message about a bad value quotes that."""
    error, shown = context.original_exception, context.sqlalchemy_exception
    if isinstance(error, psycopg.Error) and error.sqlstate:
        message = "" if error.sqlstate.startswith("22") else f": {error.diag.message_primary}"
        error.args = (f"{type(error).__name__}{message}",)
        if shown:
            shown.args = error.args


def create_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Sessions that write in `commit` alone, and leave entities readable after it."""
    return async_sessionmaker(
        engine, sync_session_class=LiveSession, autoflush=False, expire_on_commit=False
    )
