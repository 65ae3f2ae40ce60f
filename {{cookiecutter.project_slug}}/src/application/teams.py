"""What can be done with teams. Users are locked before teams, always: so nobody waits in a ring."""

from collections.abc import Container
from uuid import UUID

from application.ports import ADMIN, Caller, Page, UnitOfWork, repeatable
from domain.errors import Forbidden
from domain.models import Role, Team


@repeatable
async def create(uow: UnitOfWork, *, name: str, owner_id: UUID, parent_id: UUID | None) -> Team:
    """Raises NotFound if there is no such owner or parent."""
    async with uow:
        owner = await uow.users.lock(owner_id)
        parent = await uow.teams.get(parent_id) if parent_id else None
        team = Team(name=name, owner=owner, parent=parent)
        uow.teams.add(team)
        await uow.commit()
        return team


async def get(uow: UnitOfWork, team_id: UUID) -> Team:
    """The team with its members; raises NotFound."""
    async with uow:
        return await uow.teams.get(team_id)


async def page(
    uow: UnitOfWork, after: UUID | None, limit: int, search: str | None = None
) -> Page[Team]:
    """Teams in the order of their making, from the first beyond `after` on; without members.

    With `search`, those whose name holds all of its words, or is spelled nearly like it.
    """
    async with uow:
        if search:
            return await uow.teams.search(search, after, limit)
        return await uow.teams.page(after, limit)


@repeatable
async def assign(
    uow: UnitOfWork, caller: Caller, team_id: UUID, seen: Container[int], user_id: UUID, role: Role
) -> Team:
    """A new member, or another role; raises NotFound, Forbidden, StaleVersion, LastOwner."""
    async with uow:
        user = await uow.users.lock(user_id)
        team = await uow.teams.lock(team_id)
        await _require_owner(uow, caller, team)
        team.require_version(seen)
        team.assign(user, role)
        await uow.commit()
        return team


@repeatable
async def remove(
    uow: UnitOfWork, caller: Caller, team_id: UUID, seen: Container[int], user_id: UUID
) -> None:
    """No member any more, if one at all; raises NotFound, Forbidden, StaleVersion, LastOwner."""
    async with uow:
        team = await uow.teams.lock(team_id)
        await _require_owner(uow, caller, team)
        team.require_version(seen)
        team.remove(user_id)
        await uow.commit()


async def _require_owner(uow: UnitOfWork, caller: Caller, team: Team) -> None:
    user = await uow.users.of_caller(caller)
    if not (user and user.id in team.owner_ids) and ADMIN not in caller.scopes:
        raise Forbidden("Only an owner of the team changes its members.")
