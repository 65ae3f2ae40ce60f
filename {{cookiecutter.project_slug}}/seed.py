"""`make seed`: a few users and teams, added by the use cases, for a first look at the API."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar
from uuid import UUID

from application import teams, users
from application.ports import Caller, Page, Unavailable, UnitOfWork
from domain.errors import DomainError
from domain.models import BaseEntity, Role
from domain.models.base import ANY_VERSION
from infrastructure.logging import configure_logging
from infrastructure.persistence.database import create_engine, create_sessions
from infrastructure.persistence.schema_version import DatabaseSchema
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from infrastructure.settings import Settings, read_settings

E = TypeVar("E", bound=BaseEntity)

USERS = ("grace", "alan", "barbara", "edsger")
# Whoever is named first owns the team.
TEAMS = {"Compilers": ("grace", "barbara"), "Algorithms": ("edsger", "alan", "grace")}


async def seed(settings: Settings) -> list[str]:
    """The names of what was missing, and is added; ends the program where that cannot be."""
    if settings.environment != "development":
        where = f"ENVIRONMENT is {settings.environment}"
        sys.exit(f"error: {where}: examples are for development alone. Nothing was added.")
    engine = create_engine(settings)
    try:
        if problem := await DatabaseSchema(engine, settings.migrations_dir).why_not_ready():
            sys.exit(f"error: {problem} Nothing was added. Type: make migrate")
        return await add_missing(partial(SqlUnitOfWork, create_sessions(engine)))
    finally:
        await engine.dispose()


async def add_missing(begin: Callable[[], UnitOfWork]) -> list[str]:
    added = []
    ids = {user.subject: user.id for user in await everything(users.page, begin)}
    for name in USERS:
        if name not in ids:
            email = f"{name}@example.com"
            user = await users.register(begin(), Caller(name), username=name, email=email)
            ids[name] = user.id
            added.append(name)
    there = {team.name for team in await everything(teams.page, begin)}
    for name, (owner, *members) in TEAMS.items():
        if name not in there:
            team = await teams.create(begin(), name=name, owner_id=ids[owner], parent_id=None)
            for member in members:
                of_team = (Caller(owner), team.id, ANY_VERSION)
                await teams.assign(begin(), *of_team, ids[member], Role.MEMBER)
            added.append(name)
    return added


async def everything(
    page: Callable[[UnitOfWork, UUID | None, int], Awaitable[Page[E]]],
    begin: Callable[[], UnitOfWork],
) -> list[E]:
    found: list[E] = []
    after = None
    while True:
        some = await page(begin(), after, 100)
        found += some.items
        after = some.next_after
        if after is None:
            return found


if __name__ == "__main__":
    configure_logging("ERROR")
    # psycopg cannot work with the event loop that is the default on Windows.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        try:
            added = runner.run(seed(read_settings()))
        except DomainError as refused:
            sys.exit(f"error: {refused.title}. The rest of seed.py was not added.")
        except Unavailable as cause:
            sys.exit(f"error: {cause}. The rest was not added. Type: make seed")
    print(f"added {', '.join(added)}" if added else "nothing to add: users and teams are there")
