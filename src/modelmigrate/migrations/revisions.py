"""Which migrations there are, which of them a database has, and whether the two tell one status.

Atlas guards its files by `atlas.sum`, and the database's record by nothing: a file that was edited,
removed or slipped in after it was applied passes unnoticed. But each line of `atlas.sum` hashes all
files up to its own, and the record keeps that hash, so that the two can be compared line by line.
"""

from contextlib import closing
from typing import Any, NamedTuple, Protocol

from psycopg import errors
from psycopg.rows import namedtuple_row

from modelmigrate.atlas.directory import Migration, read_migrations
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.postgres.connection import connect

REVISIONS_TABLE = "atlas_schema_revisions.atlas_schema_revisions"
# A row such as `.atlas_cloud_identifier` is none of a migration.
SELECT_REVISIONS = f"SELECT * FROM {REVISIONS_TABLE} WHERE version NOT LIKE '.%' ORDER BY version"
BASELINE_TYPE = 1  # the kind of a row whose migrations were taken for granted


class Revision(Protocol):
    """What the database recorded of a migration."""

    version: str
    description: str
    type: int
    applied: int
    total: int
    error: str | None
    hash: str


class MigrationStatus(NamedTuple):
    """Where a database stands."""

    applied: list[Migration]
    pending: list[Migration]
    partially_applied: str = ""
    """Of the first pending one, run outside a transaction: what was done of it."""
    mismatches: tuple[str, ...] = ()
    """Each way in which files and database contradict one another."""

    @property
    def version(self) -> str:
        return self.applied[-1].version if self.applied else "none"


def read_status(url: str) -> MigrationStatus:
    """Compare the files with the record of the database at `url`; only reads."""
    files = read_migrations()
    with closing(connect(url, default_transaction_read_only="on")) as connection:
        try:
            cursor = connection.cursor(row_factory=namedtuple_row)
            rows: list[Any] = cursor.execute(SELECT_REVISIONS.encode()).fetchall()
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            rows = []
        except errors.InsufficientPrivilege as error:
            raise MigrateError(
                f"the record of migrations cannot be read: {error}\nNothing was touched. Grant"
                f" USAGE on schema atlas_schema_revisions and SELECT on {REVISIONS_TABLE}."
            ) from None
    return resolve_status(files, rows)


def resolve_status(files: list[Migration], rows: list[Revision]) -> MigrationStatus:
    """Tell applied from pending, and every contradiction."""
    by_version = {file.version: file for file in files}
    if rows and rows[0].type & BASELINE_TYPE:
        taken = [file for file in files if file.version < rows[0].version]
    else:
        taken = []
    done = {row.version for row in rows if row.applied == row.total and not row.error}
    applied = [file for file in files if file in taken or file.version in done]
    pending = [file for file in files if file not in applied]
    newest_row = max((row.version for row in rows), default="")
    broken = [
        f"{file.name} is out of order: {newest_row} was applied before it"
        for file in pending
        if file.version < newest_row
    ]
    for row in rows:
        if row.version not in by_version:
            newest_file = files[-1].version if files else "none"
            broken.append(
                f"the database is ahead: it has {row.version}_{row.description}, newer than any file"
                if row.version > newest_file
                else f"{row.version}_{row.description}.sql was deleted after it was applied"
            )
    # A hash covers all files before it: only the first that differs says where the status forks.
    changed = next(
        (r for r in rows if r.version in by_version and r.hash != by_version[r.version].hash), None
    )
    if changed and not broken and changed.version in done:
        broken.append(f"{by_version[changed.version].name} was edited after it was applied")
    halves = [row for row in rows if row.version in by_version and row.version not in done]
    partial = "".join(
        f"{row.applied} of {row.total} statements are done; the next failed: {row.error}"
        for row in halves[:1]
    )
    return MigrationStatus(applied, pending, partial, tuple(broken))


def require_consistent(history: MigrationStatus) -> None:
    """Raise MigrateError (exit code 4) where files and database contradict one another."""
    if history.mismatches:
        raise MigrateError(
            "the history is broken:\n"
            + "\n".join(f"  {each}" for each in history.mismatches)
            + "\nNothing was touched. Bring the files back as they were applied (git log --"
            " migrations), or check out the code that this database was last migrated with. A file"
            " that came late through a merge gets a newer version by: make migrate-rebase"
            " base=origin/main",
            Exit.HISTORY_BROKEN,
        )


def describe_status(history: MigrationStatus) -> str:
    """Where a database stands, in lines."""
    lines = [f"version   {history.version}", f"applied   {len(history.applied)}"]
    lines.append(f"pending   {len(history.pending)}")
    lines += [f"  {file.name}" for file in history.pending]
    if history.partially_applied:
        lines.append(f"half done {history.pending[0].name}: {history.partially_applied}")
    return "\n".join(lines)
