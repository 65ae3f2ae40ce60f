"""Scripts verified on clones of the states that they are for: what does not lead there is refused."""

from contextlib import closing
from typing import NamedTuple

import psycopg
from psycopg import errors

from modelmigrate.atlas.directory import TXMODE_NONE
from modelmigrate.planning.contents import Contents, read_contents, what_was_lost
from modelmigrate.planning.context import CannotPlanError
from modelmigrate.planning.transactions import with_delimiter
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.execute import require_statement_to_blame, try_execute
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Schema
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import diff_normalized
from modelmigrate.sql.patterns import CONCURRENTLY
from modelmigrate.sql.statements import strip_comments

# For functions whose bodies use what is created after them; tried where it does not work without.
BODIES_UNCHECKED = "SET LOCAL check_function_bodies = off;"
# How a script fails on some rows, though it would lead to the schema on others, or on none.
ROWS_DO_NOT_ALLOW = (errors.IntegrityError, errors.DataError)


class Outcome(NamedTuple):
    """What came of a script on a clone."""

    reason: str
    """Why it does not lead where it should; empty where it does."""
    contents: Contents | None = None
    """What the clone held in the end, where that was compared."""


def verified_script(
    statements: list[str],
    state_urls: list[str],
    desired: Schema,
    contents: Contents | None = None,
) -> tuple[str, Contents | None]:
    """The script of these statements, verified to lead from each of the scratch databases to the
    desired schema, and to the values and positions of sequences that `contents` has; and what the last
    of them holds in the end, with `contents`.

    Raises:
        CannotPlanError: it does not, or not in one transaction.
        IntegrityError, DataError: with `contents`, the rows do not allow it.
    """
    script = "\n".join(statements)
    for text in (script, f"{BODIES_UNCHECKED}\n{script}"):
        outcomes = [verify_script(url, text, desired, contents) for url in state_urls]
        if not any(each.reason for each in outcomes):
            return f"{text}\n" if text else "", outcomes[-1].contents
    raise CannotPlanError("\n".join(each.reason for each in outcomes if each.reason))


def verify_script(
    state_url: str, script: str, desired: Schema, contents: Contents | None = None
) -> Outcome:
    """Run a script on a clone of a scratch database, in one transaction; whether it leads to the desired
    schema and contents.

    Raises:
        IntegrityError, DataError: with `contents`, the rows do not allow it.
    """
    with scratch_database(state_url) as url:
        with closing(connect(url)) as connection, connection.transaction():
            if error := try_execute(connection, script):
                if contents and isinstance(error, ROWS_DO_NOT_ALLOW):
                    raise error
                return Outcome(f"it does not run in one transaction: {error}")
        changes = diff_normalized(desired, read_schema(url))
        if changes or not contents:
            lines = [line for each in changes for line in (each.title, *each.lines())]
            return Outcome("\n".join(lines))
        held = read_contents(url)
    return Outcome("\n".join(what_was_lost(contents, held)), held)


def execute_as_migration(url: str, statements: list[str]) -> str:
    """Run statements on a scratch database as Atlas will run them; the text of their migration.

    Raises:
        CannotPlanError: they do not run in one transaction.
        UnsafeNewEnumValueUsage: a new value of an enum is used in the transaction that adds it.
        IntegrityError, DataError: the rows of the database do not allow it.
    """
    script = "\n".join(statements)
    with closing(connect(url)) as connection:
        if CONCURRENTLY.match(strip_comments(script)):
            if error := try_execute(connection, script):
                raise error if isinstance(error, ROWS_DO_NOT_ALLOW) else CannotPlanError(str(error))
            return f"{TXMODE_NONE}{script}\n"
        for settings in ([], [BODIES_UNCHECKED]):
            try:
                with connection.transaction():
                    connection.execute("\n".join([*settings, script]).encode())
            except (errors.UnsafeNewEnumValueUsage, *ROWS_DO_NOT_ALLOW):
                raise
            except psycopg.Error as error:
                require_statement_to_blame(error)
                reason = str(error)
            else:
                return with_delimiter([*settings, *statements])
    raise CannotPlanError(f"it does not run in one transaction: {reason}")
