"""Transactions, and what the constraints of the schema mean to the business."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
import structlog
from psycopg.errors import DeadlockDetected, IdleInTransactionSessionTimeout, SerializationFailure
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from application.ports import Collision, Unavailable
from domain.errors import AlreadyRegistered, Conflict, EmailTaken, StaleVersion, UsernameTaken
from infrastructure.persistence.repositories import SqlTeams, SqlUsers

log = structlog.stdlib.get_logger()

VIOLATIONS: dict[str | None, type[Conflict]] = {
    "uq_users_active_email": EmailTaken,
    "uq_users_username": UsernameTaken,
    "uq_users_subject": AlreadyRegistered,
}


class SqlUnitOfWork:
    """One session; nothing reaches the database for good but by `commit`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._session = sessions()
        self.users = SqlUsers(self._session)
        self.teams = SqlTeams(self._session)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: Any) -> None:
        with _in_words_of_the_ports():
            await self._session.__aexit__(*exception)
            if isinstance(exception[1], exc.SQLAlchemyError):
                raise exception[1]

    async def commit(self) -> None:
        with _in_words_of_the_ports():
            await self._session.commit()


@contextmanager
def _in_words_of_the_ports() -> Iterator[None]:
    try:
        yield
    except StaleDataError as error:
        raise StaleVersion from error
    except exc.TimeoutError as error:
        raise Unavailable("no connection is free") from error
    except exc.DBAPIError as error:
        match error.orig:
            case psycopg.IntegrityError(diag=diag):
                if diag.constraint_name not in VIOLATIONS:
                    where = {"constraint": diag.constraint_name, "column": diag.column_name}
                    log.warning("violation that nobody mapped", table=diag.table_name, **where)
                raise VIOLATIONS.get(diag.constraint_name, Conflict) from error
            case DeadlockDetected() | SerializationFailure():
                raise Collision(str(error.orig)) from error
            case psycopg.OperationalError() | IdleInTransactionSessionTimeout():
                raise Unavailable(str(error.orig).partition("\n")[0]) from error
        raise
