"""What can be done with users."""

from collections.abc import Container
from typing import TypedDict, Unpack
from uuid import UUID

from application.ports import ADMIN, Caller, Page, UnitOfWork, repeatable
from domain.errors import Forbidden
from domain.models import User


class Changes(TypedDict, total=False):
    username: str
    email: str


@repeatable
async def register(uow: UnitOfWork, caller: Caller, *, username: str, email: str) -> User:
    """The caller becomes a user; raises EmailTaken, UsernameTaken, AlreadyRegistered."""
    async with uow:
        user = User(subject=caller.subject, username=username, email=email)
        uow.users.add(user)
        await uow.commit()
        return user


async def get(uow: UnitOfWork, user_id: UUID) -> User:
    """Raises NotFound, also if the user is deleted."""
    async with uow:
        return await uow.users.get(user_id)


async def page(uow: UnitOfWork, after: UUID | None, limit: int) -> Page[User]:
    """The first `limit` users in the order of registration, or the first beyond the id `after`."""
    async with uow:
        return await uow.users.page(after, limit)


@repeatable
async def change(
    uow: UnitOfWork, caller: Caller, user_id: UUID, seen: Container[int], **changes: Unpack[Changes]
) -> User:
    """Raises NotFound, Forbidden, StaleVersion if the last was not seen, and as `register`."""
    async with uow:
        user = await uow.users.lock(user_id)
        _require_self(caller, user)
        user.require_version(seen)
        for field, value in changes.items():
            setattr(user, field, value)
        await uow.commit()
        return user


@repeatable
async def delete(uow: UnitOfWork, caller: Caller, user_id: UUID, seen: Container[int]) -> None:
    """The user leaves all teams; raises NotFound, Forbidden, StaleVersion, LastOwner."""
    async with uow:
        user = await uow.users.lock(user_id)
        _require_self(caller, user)
        user.require_version(seen)
        for team in await uow.teams.lock_teams_of(user_id):
            team.remove(user_id)
        user.delete()
        await uow.commit()


def _require_self(caller: Caller, user: User) -> None:
    if user.subject != caller.subject and ADMIN not in caller.scopes:
        raise Forbidden("Users are changed by themselves.")
