"""Scripts tried on clones: nothing counts unless the dumps are equal in the end."""

from contextlib import closing

import psycopg
from psycopg import errors

from modelmigrate.atlas.directory import TXMODE_NONE
from modelmigrate.planning.context import CannotPlanError
from modelmigrate.planning.transactions import with_delimiter
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.execute import try_execute
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.sql.patterns import CONCURRENTLY
from modelmigrate.sql.statements import strip_comments


def verified_script(statements: list[str], states: list[str], goal: Schema) -> str:
    """The script of these statements, which leads each of the scratch databases to the goal.

    Raises:
        NoPlanError: it does not, or not in one transaction.
    """
    script = "\n".join(statements)
    for text in (script, f"SET LOCAL check_function_bodies = off;\n{script}"):
        reasons = [verify_script(state, text, goal) for state in states]
        if not any(reasons):
            return f"{text}\n" if text else ""
    raise CannotPlanError("\n".join(filter(None, reasons)))


def verify_script(template: str, script: str, goal: Schema) -> str:
    """Run a script on a clone, in one transaction; why it does not lead to the goal, if so."""
    with scratch_database(template) as url:
        with closing(connect(url)) as connection, connection.transaction():
            if error := try_execute(connection, script):
                return f"it does not run in one transaction: {error}"
        differences = diff(goal, read_schema(url))
    return "\n".join(line for each in differences for line in (each.label, *each.lines()))


def execute_as_migration(url: str, statements: list[str]) -> str:
    """Run statements as the migration whose text this is will."""
    text = "\n".join(statements)
    with closing(connect(url)) as connection:
        if CONCURRENTLY.match(strip_comments(text)):
            if error := try_execute(connection, text):
                raise CannotPlanError(str(error))
            return f"{TXMODE_NONE}{text}\n"
        for first in ([], ["SET LOCAL check_function_bodies = off;"]):
            try:
                with connection.transaction():
                    connection.execute("\n".join([*first, text]).encode())
            except errors.UnsafeNewEnumValueUsage:
                raise
            except psycopg.Error as error:
                reason = str(error)
            else:
                return with_delimiter([*first, *statements])
    raise CannotPlanError(f"it does not run in one transaction: {reason}")
