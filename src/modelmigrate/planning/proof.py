"""Scripts verified on clones of the states that they are for: what does not lead there is refused."""

from contextlib import closing

import psycopg
from psycopg import errors

from modelmigrate.atlas.directory import TXMODE_NONE
from modelmigrate.planning.context import CannotPlanError
from modelmigrate.planning.rows import Contents, read_contents, what_was_lost
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


def verified_script(
    statements: list[str],
    state_urls: list[str],
    desired: Schema,
    contents: Contents | None = None,
) -> str:
    """The script of these statements, verified to lead from each of the scratch databases to the
    desired schema, and to the values and positions of sequences that `contents` has.

    Raises:
        CannotPlanError: it does not, or not in one transaction.
        IntegrityError, DataError: with `contents`, the rows do not allow it.
    """
    script = "\n".join(statements)
    for text in (script, f"{BODIES_UNCHECKED}\n{script}"):
        reasons = [verify_script(url, text, desired, contents) for url in state_urls]
        if not any(reasons):
            return f"{text}\n" if text else ""
    raise CannotPlanError("\n".join(filter(None, reasons)))


def verify_script(
    state_url: str, script: str, desired: Schema, contents: Contents | None = None
) -> str:
    """Run a script on a clone of a scratch database, in one transaction; the reason why it does not
    lead to the desired schema and contents, or nothing.

    Raises:
        IntegrityError, DataError: with `contents`, the rows do not allow it.
    """
    with scratch_database(state_url) as url:
        with closing(connect(url)) as connection, connection.transaction():
            if error := try_execute(connection, script):
                if contents and isinstance(error, ROWS_DO_NOT_ALLOW):
                    raise error
                return f"it does not run in one transaction: {error}"
        changes = diff_normalized(desired, read_schema(url))
        lost = what_was_lost(contents, read_contents(url)) if contents and not changes else []
    return "\n".join([*lost, *(line for each in changes for line in (each.label, *each.lines()))])


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
