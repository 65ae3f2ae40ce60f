"""What the use cases need from outside; `infrastructure` provides it."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar, Generic, ParamSpec, Protocol, Self, TypeVar
from uuid import UUID

from domain.models import BaseEntity, Team, User

E = TypeVar("E", bound=BaseEntity)
P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 3
ADMIN = "admin"  # the scope of those who may do what others may do with what is theirs


class Unauthenticated(Exception):
    """Nobody knows who calls; the text, if any, is for the caller: what is wrong with the token."""


@dataclass(frozen=True)
class Caller:
    """`subject` is what the identity provider calls them, now and ever, and nobody else."""

    subject: str
    scopes: frozenset[str] = frozenset()


# From a bearer token; raises Unauthenticated or Unavailable.
Identify = Callable[[str], Awaitable[Caller]]


class Unavailable(Exception):
    """Nothing is wrong with the call: `what` cannot do it now, and perhaps can soon."""

    what: ClassVar = "database"


class Collision(Unavailable):
    """Two units of work waited for each other; this one was undone, and may begin again."""


def repeatable(use_case: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """The use case as a whole is tried again after a collision, a few times."""

    @wraps(use_case)
    async def attempt(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(ATTEMPTS - 1):
            with suppress(Collision):
                return await use_case(*args, **kwargs)
        return await use_case(*args, **kwargs)

    return attempt


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
        """As it is now; others who lock it wait until this unit of work has ended."""
        ...

    async def page(self, after: UUID | None, limit: int) -> Page[E]: ...


class Users(Repository[User], Protocol):
    async def of_caller(self, caller: Caller) -> User | None: ...


class Teams(Repository[Team], Protocol):
    async def search(self, name: str, after: UUID | None, limit: int) -> Page[Team]: ...

    async def lock_teams_of(self, user_id: UUID) -> Sequence[Team]: ...


class UnitOfWork(Protocol):
    """All or nothing: what is not committed when the block ends has never happened.

    Whatever is asked of it may end the block with Unavailable.
    """

    @property
    def users(self) -> Users: ...

    @property
    def teams(self) -> Teams: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exception: object) -> None: ...

    async def commit(self) -> None:
        """Raises StaleVersion, or the Conflict that a constraint of the schema stands for."""
        ...
