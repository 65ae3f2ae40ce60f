"""The connection pool, and sessions that do not see what was softly deleted."""

from sqlalchemy import event
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from domain.models import SoftDeletable
from infrastructure.settings import Settings


class LiveSession(Session):
    """Leaves rows that are softly deleted out of every SELECT."""


@event.listens_for(LiveSession, "do_orm_execute")
def _leave_out_deleted(execution: ORMExecuteState) -> None:
    if execution.is_select and not execution.is_column_load:
        execution.statement = execution.statement.options(
            with_loader_criteria(
                SoftDeletable, lambda cls: cls.deleted_at.is_(None), include_aliases=True
            )
        )


def create_engine(settings: Settings) -> AsyncEngine:
    """A pool that connects when it is first asked to."""
    return create_async_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_max_overflow,
        pool_pre_ping=settings.database_pool_pre_ping,
        hide_parameters=True,  # values are personal data, which logs must not hold
    )


def create_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Sessions that write in `commit` alone, and leave entities readable after it."""
    return async_sessionmaker(
        engine, sync_session_class=LiveSession, autoflush=False, expire_on_commit=False
    )
