"""Is the database's schema one that this code was written for?"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

log = structlog.stdlib.get_logger()

TIMEOUT = 1  # second: probes give up soon, too

# A contract migration takes away what older programs need; comments at the top of its file say so.
CONTRACT = re.compile(r"(?:--.*\n)*?-- ?gate:phase +contract[ \t]*(?:\n|\Z)")
# Atlas's record: a row counts once all its statements have run; `.name` is none of a migration. `apply`
# marks contract migrations there, for programs that have not got their files.
APPLIED = text("""
    SELECT max(version), max(version) FILTER (WHERE description LIKE '%.contract')
    FROM atlas_schema_revisions.atlas_schema_revisions
    WHERE applied = total AND coalesce(error, '') = '' AND version NOT LIKE '.%'
""")


def newest_migration(directory: Path, *, needed: bool = False) -> str | None:
    """The version of the newest file: `20260102030405` of `20260102030405_add_bio.sql`. That is the newest
    that this code knows; what it needs is the newest one that does not wait for its rollout."""
    for file in sorted(directory.glob("*.sql"), reverse=True):
        if not needed or not CONTRACT.match(file.read_text(encoding="utf-8")):
            return file.stem.partition("_")[0]
    return None


@dataclass
class DatabaseSchema:
    """Compared with the migrations that are shipped with the service."""

    engine: AsyncEngine
    migrations: Path
    version: str | None = None
    """As it was when the database was last asked; for `X-Schema-Version`."""

    async def why_not_ready(self) -> str | None:
        """Why no request should be sent here; None if the database has what this code needs, and has not
        taken away what it uses."""
        needed = newest_migration(self.migrations, needed=True)
        known = newest_migration(self.migrations)
        if needed is None or known is None:
            return "No migrations are shipped with the service."
        try:
            async with asyncio.timeout(TIMEOUT), self.engine.connect() as connection:
                applied, contract = (await connection.execute(APPLIED)).one()
        except ProgrammingError as error:
            log.warning("revisions are not readable", cause=str(error))
            return f"The database has no readable record of migrations; the service needs {needed}."
        except (SQLAlchemyError, TimeoutError) as error:
            log.warning("database does not answer", cause=str(error) or "timeout")
            return "The database does not answer."
        self.version = applied
        if applied is None or applied < needed:
            return f"The database is at version {applied or 'none'}; the service needs {needed}."
        if contract is not None and contract > known:
            return f"The database is past contract migration {contract}; the service knows {known}."
        return None


def remembered(
    ask: Callable[[], Awaitable[str | None]], seconds: float = 1
) -> Callable[[], Awaitable[str | None]]:
    """Asks once in that time, however many want to know."""
    asking = asyncio.Lock()
    until, known = 0.0, None

    async def answer() -> str | None:
        nonlocal until, known
        async with asking:
            if time.monotonic() >= until:
                known = await ask()
                until = time.monotonic() + seconds
        return known

    return answer


async def keep_asking(ask: Callable[[], Awaitable[str | None]], seconds: float = 30) -> None:
    """Never ends: nobody may be probing, and `version` shall not be an old one."""
    while True:
        await ask()
        await asyncio.sleep(seconds)
