"""What can be done with users."""

from typing import TypedDict, Unpack
from uuid import UUID

from application.ports import Page, UnitOfWork
from domain.models import User


class Changes(TypedDict, total=False):
    username: str
    email: str


async def register(uow: UnitOfWork, *, username: str, email: str) -> User:
    """Raises EmailTaken, UsernameTaken."""
    async with uow:
        user = User(username=username, email=email)
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


async def change(uow: UnitOfWork, user_id: UUID, version: int, **changes: Unpack[Changes]) -> User:
    """Raises NotFound, EmailTaken, UsernameTaken, and StaleVersion if `version` is not the last."""
    async with uow:
        user = await uow.users.get(user_id)
        user.require_version(version)
        for field, value in changes.items():
            setattr(user, field, value)
        await uow.commit()
        return user


async def delete(uow: UnitOfWork, user_id: UUID) -> None:
    """The user leaves all teams; raises NotFound, and LastOwner if a team has no other owner."""
    async with uow:
        user = await uow.users.lock(user_id)
        for team in await uow.teams.lock_teams_of(user_id):
            team.remove(user_id)
        user.delete()
        await uow.commit()
