"""Is the database's schema the one that this code was written for?"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

log = structlog.stdlib.get_logger()

TIMEOUT = 1  # second: probes give up soon, too

# Atlas's record: a row counts once all its statements have run; `.name` is none of a migration.
APPLIED = text("""
    SELECT max(version) FROM atlas_schema_revisions.atlas_schema_revisions
    WHERE applied = total AND coalesce(error, '') = '' AND version NOT LIKE '.%'
""")


def newest_migration(directory: Path) -> str | None:
    """The version of the newest file: `20260102030405` of `20260102030405_add_bio.sql`."""
    return max((file.stem.partition("_")[0] for file in directory.glob("*.sql")), default=None)


async def why_not_ready(engine: AsyncEngine, migrations: Path) -> str | None:
    """Why no request should be sent here yet; None if the database is at our version or past it."""
    shipped = newest_migration(migrations)
    if shipped is None:
        return "No migrations are shipped with the service."
    try:
        async with asyncio.timeout(TIMEOUT), engine.connect() as connection:
            applied = await connection.scalar(APPLIED)
    except ProgrammingError as error:
        log.warning("revisions are not readable", cause=str(error))
        return f"The database has no readable record of migrations; the service needs {shipped}."
    except (SQLAlchemyError, TimeoutError) as error:
        log.warning("database does not answer", cause=str(error) or "timeout")
        return "The database does not answer."
    if applied is None or applied < shipped:
        return f"The database is at version {applied or 'none'}; the service needs {shipped}."
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
