"""Is the database's schema the one that this code was written for?"""

from pathlib import Path

import structlog
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

log = structlog.stdlib.get_logger()

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
        async with engine.connect() as connection:
            applied = await connection.scalar(APPLIED)
    except ProgrammingError as error:
        log.warning("revisions are not readable", cause=str(error))
        return f"The database has no readable record of migrations; the service needs {shipped}."
    except SQLAlchemyError as error:
        log.warning("database does not answer", cause=str(error))
        return "The database does not answer."
    if applied is None or applied < shipped:
        return f"The database is at version {applied or 'none'}; the service needs {shipped}."
    return None
