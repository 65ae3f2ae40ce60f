"""Queries."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.interfaces import ORMOption

from application.ports import Caller, Page
from domain.errors import NotFound
from domain.models import BaseEntity, Membership, Team, User

E = TypeVar("E", bound=BaseEntity)

# Else a session that has read a row before shows it as it was then, lock or no lock.
AS_IT_IS_NOW = {"populate_existing": True}


class SqlRepository(Generic[E]):
    entity: type[E]
    loaded_with_it: tuple[ORMOption, ...] = ()

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, entity: E) -> None:
        self._session.add(entity)

    async def get(self, entity_id: UUID) -> E:
        return await self._one(entity_id, select(self.entity))

    async def lock(self, entity_id: UUID) -> E:
        query = select(self.entity).with_for_update()
        return await self._one(entity_id, query.execution_options(**AS_IT_IS_NOW))

    async def page(
        self, after: UUID | None, limit: int, *conditions: ColumnElement[bool]
    ) -> Page[E]:
        query = select(self.entity).where(*conditions).order_by(self.entity.id).limit(limit + 1)
        if after:
            query = query.where(self.entity.id > after)
        found = (await self._session.scalars(query)).all()
        items = found[:limit]
        return Page(items, next_after=items[-1].id if len(found) > limit else None)

    async def _one(self, entity_id: UUID, query: Select[Any]) -> E:
        query = query.where(self.entity.id == entity_id).options(*self.loaded_with_it)
        entity: E | None = await self._session.scalar(query)
        if entity is None:
            raise NotFound(f"{self.entity.__name__} {entity_id} does not exist.")
        return entity


class SqlUsers(SqlRepository[User]):
    entity = User

    async def of_caller(self, caller: Caller) -> User | None:
        return await self._session.scalar(select(User).where(User.subject == caller.subject))


class SqlTeams(SqlRepository[Team]):
    entity = Team
    # By a SELECT of its own, which runs once the lock is held: a join would show members as they
    # were before the wait.
    loaded_with_it = (selectinload(Team.memberships),)

    async def search(self, name: str, after: UUID | None, limit: int) -> Page[Team]:
        words = func.plainto_tsquery("simple", name)
        holds_them = func.to_tsvector("simple", Team.name).bool_op("@@")(words)
        return await self.page(after, limit, holds_them | Team.name.bool_op("%")(name))

    async def lock_teams_of(self, user_id: UUID) -> Sequence[Team]:
        """In the order of their ids, lest two callers wait for each other."""
        query = (
            select(Team)
            .where(Team.memberships.any(Membership.user_id == user_id))
            .order_by(Team.id)
            .options(*self.loaded_with_it)
            .with_for_update()
            .execution_options(**AS_IT_IS_NOW)
        )
        return (await self._session.scalars(query)).all()
