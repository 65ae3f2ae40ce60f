"""What the use cases need from outside; `infrastructure` provides it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar
from uuid import UUID

from domain.models import BaseEntity, Team, User

E = TypeVar("E", bound=BaseEntity)


@dataclass(frozen=True)
class Page(Generic[E]):
    """Some entities in the order of their making; ask for the rest `after` the id `next_after`."""

    items: Sequence[E]
    next_after: UUID | None


class Repository(Protocol[E]):
    def add(self, entity: E) -> None: ...

    async def get(self, entity_id: UUID) -> E:
        """Raises NotFound."""
        ...

    async def lock(self, entity_id: UUID) -> E:
        """Like `get`, but others who lock it wait until this unit of work has ended."""
        ...

    async def page(self, after: UUID | None, limit: int) -> Page[E]: ...


class Teams(Repository[Team], Protocol):
    async def search(self, name: str, after: UUID | None, limit: int) -> Page[Team]: ...

    async def lock_teams_of(self, user_id: UUID) -> Sequence[Team]: ...


class UnitOfWork(Protocol):
    """All or nothing: what is not committed when the block is left has never happened."""

    @property
    def users(self) -> Repository[User]: ...

    @property
    def teams(self) -> Teams: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exception: object) -> None: ...

    async def commit(self) -> None:
        """Raises StaleVersion, or the Conflict that a constraint of the schema stands for."""
        ...
