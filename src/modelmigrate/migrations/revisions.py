"""Which migrations a database has, by its revision table, and whether that matches the files.

Atlas guards its files by `atlas.sum`, and the revision table by nothing: a file that was modified,
deleted or added out of order after it was applied passes unnoticed. But each line of `atlas.sum`
hashes all files up to its own, and the revision keeps that hash, so that the two can be compared.
"""

from contextlib import closing
from typing import Any, NamedTuple, Protocol

from psycopg import errors
from psycopg.rows import namedtuple_row

from modelmigrate import project
from modelmigrate.atlas.commands import REVISIONS_TABLE
from modelmigrate.atlas.directory import Migration, read_migrations
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.postgres.connection import connect

# A row such as `.atlas_cloud_identifier` is no revision.
SELECT_REVISIONS = f"SELECT * FROM {REVISIONS_TABLE} WHERE version NOT LIKE '.%' ORDER BY version"
# Behind the description of a migration that breaks older programs: they cannot look into its file, and
# must not take requests any more. Atlas only shows descriptions.
CONTRACT_MARK = ".contract"
MARK_CONTRACTS = f"""
    UPDATE {REVISIONS_TABLE} SET description = description || '{CONTRACT_MARK}'
    WHERE version = ANY(%s) AND description NOT LIKE '%%{CONTRACT_MARK}'"""
BASELINE_TYPE = 1  # of a revision whose migrations were not run: the database had their schema


class Revision(Protocol):
    """What the database keeps of a migration."""

    version: str
    description: str
    """From the file's name, and the mark of a contract migration."""
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
    """Of the first pending one, which runs outside a transaction: what was done of it."""
    mismatches: tuple[str, ...] = ()
    """Each way in which files and revisions contradict one another."""

    @property
    def version(self) -> str:
        return self.applied[-1].version if self.applied else "none"


def read_status(url: str) -> MigrationStatus:
    """Compare the files with the revision table of the database at `url`; only reads.

    Raises:
        MigrateError: there is no migration, the files do not match `atlas.sum` (exit code 4), or the
            role may not read the revision table.
    """
    files = read_migrations()
    with closing(connect(url, default_transaction_read_only="on")) as connection:
        try:
            cursor = connection.cursor(row_factory=namedtuple_row)
            revisions: list[Any] = cursor.execute(SELECT_REVISIONS.encode()).fetchall()
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            revisions = []
        except errors.InsufficientPrivilege as error:
            raise MigrateError(
                f"the revision table cannot be read: {error}\nNothing was changed. Grant USAGE on"
                f" schema atlas_schema_revisions and SELECT on {REVISIONS_TABLE}."
            ) from None
    return resolve_status(files, revisions)


def resolve_status(files: list[Migration], revisions: list[Revision]) -> MigrationStatus:
    """The state of each file, by its revision:

    | file | revision | state |
    | --- | --- | --- |
    | there | complete, or a baseline is newer | applied |
    | there | complete, with another hash | applied, and modified since |
    | there | not complete | pending, and partially applied |
    | there | none, and none is newer | pending |
    | there | none, and one is newer | pending, and out of order |
    | not there | newer than all files | the database is ahead |
    | not there | any other | deleted after it was applied |
    """
    by_version = {file.version: file for file in files}
    known = [revision for revision in revisions if revision.version in by_version]
    completed = {r.version for r in revisions if r.applied == r.total and not r.error}
    baseline = revisions[0].version if revisions and revisions[0].type & BASELINE_TYPE else ""
    applied = [each for each in files if each.version < baseline or each.version in completed]
    done = {each.version for each in applied}
    pending = [each for each in files if each.version not in done]
    newest_revision = max((revision.version for revision in revisions), default="")
    newest_file = files[-1].version if files else "none"
    mismatches = [
        f"{file.name} is out of order: {newest_revision} was applied before it"
        for file in pending
        if file.version < newest_revision
    ]
    mismatches += [
        f"the database is ahead: it has {name}, newer than any file"
        if each.version > newest_file
        else f"{name}.sql was deleted after it was applied"
        for each in revisions
        if each.version not in by_version
        for name in [f"{each.version}_{each.description.removesuffix(CONTRACT_MARK)}"]
    ]
    # A hash covers all files before it: only the first that differs names the modified file.
    modified = next((r for r in known if r.hash != by_version[r.version].hash), None)
    if modified and not mismatches and modified.version in completed:
        mismatches.append(f"{by_version[modified.version].name} was modified after it was applied")
    partially_applied = next(
        (
            f"{each.applied} of {each.total} statements are done; the next one failed: {each.error}"
            for each in known
            if each.version not in completed
        ),
        "",
    )
    return MigrationStatus(applied, pending, partially_applied, tuple(mismatches))


def mark_contracts(url: str, migrations: list[Migration]) -> None:
    """Mark those of these migrations that are applied and break older programs, for these to know."""
    versions = [each.version for each in migrations if each.phase == "contract"]
    if versions:
        with closing(connect(url)) as connection:
            connection.execute(MARK_CONTRACTS.encode(), [versions])


def require_consistent(status: MigrationStatus) -> None:
    """Raise MigrateError (exit code 4) where files and revision table contradict one another."""
    if status.mismatches:
        rebase = project.command("branch rebase", base="origin/main")
        raise MigrateError(
            "migration history mismatch:\n"
            + "\n".join(f"  {each}" for each in status.mismatches)
            + "\nNothing was changed. Restore the files as they were applied (git log -- migrations),"
            " or check out the code that this database was last migrated with. A file that is out of"
            f" order after a merge gets a newer version by: {rebase}",
            Exit.HISTORY_MISMATCH,
        )


def describe_status(status: MigrationStatus) -> str:
    """Where a database stands, in lines."""
    lines = [f"version   {status.version}", f"applied   {len(status.applied)}"]
    lines.append(f"pending   {len(status.pending)}")
    lines += [
        f"  {each.name}{' (contract)' * (each.phase == 'contract')}" for each in status.pending
    ]
    if status.partially_applied:
        lines.append(f"partially applied: {status.pending[0].name}: {status.partially_applied}")
    return "\n".join(lines)
