"""Transactions, and what the constraints of the schema mean to the business."""

from typing import Self

import psycopg
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from domain.errors import Conflict, EmailTaken, StaleVersion, UsernameTaken
from infrastructure.persistence.repositories import SqlTeams, SqlUsers

VIOLATIONS: dict[str | None, type[Conflict]] = {
    "uq_users_active_email": EmailTaken,
    "uq_users_username": UsernameTaken,
}


class SqlUnitOfWork:
    """One session; nothing reaches the database for good but by `commit`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._session = sessions()
        self.users = SqlUsers(self._session)
        self.teams = SqlTeams(self._session)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._session.__aexit__(*exception)

    async def commit(self) -> None:
        try:
            await self._session.commit()
        except StaleDataError as error:
            raise StaleVersion from error
        except IntegrityError as error:
            match error.orig:
                case psycopg.Error(diag=diag) if diag.constraint_name in VIOLATIONS:
                    raise VIOLATIONS[diag.constraint_name] from error
            raise
