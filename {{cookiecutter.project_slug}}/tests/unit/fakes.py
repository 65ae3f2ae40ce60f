"""A unit of work without a database, for tests of the use cases."""

from collections.abc import Sequence
from typing import Generic, Self, TypeVar
from uuid import UUID

from application.ports import Caller, Page
from domain.errors import NotFound
from domain.models import BaseEntity, Team, User

E = TypeVar("E", bound=BaseEntity)


class FakeRepository(Generic[E]):
    def __init__(self, *stored: E) -> None:
        self.stored = {entity.id: entity for entity in stored}

    def add(self, entity: E) -> None:
        self.stored[entity.id] = entity

    async def get(self, entity_id: UUID) -> E:
        if entity_id not in self.stored:
            raise NotFound
        return self.stored[entity_id]

    lock = get

    async def page(self, after: UUID | None, limit: int) -> Page[E]:
        raise NotImplementedError("paging is the database's work; see tests/integration")


class FakeUsers(FakeRepository[User]):
    async def of_caller(self, caller: Caller) -> User | None:
        found = (user for user in self.stored.values() if user.subject == caller.subject)
        return next(found, None)


class FakeTeams(FakeRepository[Team]):
    async def search(self, name: str, after: UUID | None, limit: int) -> Page[Team]:
        raise NotImplementedError("searching, too")

    async def lock_teams_of(self, user_id: UUID) -> Sequence[Team]:
        return [
            team
            for team in self.stored.values()
            if user_id in {membership.user_id for membership in team.memberships}
        ]


class FakeUnitOfWork:
    def __init__(self, *, users: Sequence[User] = (), teams: Sequence[Team] = ()) -> None:
        self.users = FakeUsers(*users)
        self.teams = FakeTeams(*teams)
        self.committed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        pass

    async def commit(self) -> None:
        self.committed = True
