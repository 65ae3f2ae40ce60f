"""Statements that are blocked by other objects: their dependents are dropped first.

The rule: an object that depends on a change is dropped before it, with its own dependents before that,
and recreated afterwards, because it is still in the desired schema. Only objects without data are
dropped so: never a table, nor anything that has no DROP.

What depends on what is read from PostgreSQL's error. It names the direct dependents only, so dropping
one of them may be blocked in turn: `drop_with_dependents` and `drop_dependents` call each other.
"""

import re

import psycopg
from psycopg import errors

from modelmigrate.planning.context import PlanContext
from modelmigrate.planning.kinds import inverse_statement
from modelmigrate.schema.diff import SchemaObject

MAX_ATTEMPTS = 20  # each one drops dependents, or changes the statement
DROP_ON_TABLE = re.compile(r"DROP (?:TRIGGER|RULE|POLICY) IF EXISTS (?P<name>.*) ON (?P<on>.*);")


def execute_with_dependents(context: PlanContext, statement: str) -> str:
    """Run a statement of Atlas's plan, after dropping what depends on the column that it changes;
    the reason where it cannot be run, else nothing."""
    for _ in range(MAX_ATTEMPTS):
        error = context.try_execute(statement)
        if error is None:
            return ""
        cast = re.search(r'USING (\S+::.*)"\.', error.diag.message_hint or "")
        default = re.search(r'default for column "(.*)" cannot be cast', str(error))
        if cast and f"USING {cast[1]}" not in statement:
            statement = add_cast(statement, cast[1])
        elif default and (table := re.search(r"ALTER TABLE \S+", statement)):
            context.try_execute(f'{table[0]} ALTER COLUMN "{default[1]}" DROP DEFAULT;')
        elif not drop_dependents(context, error):
            return str(error)
    return (
        f"blocked by more than {MAX_ATTEMPTS} dependent objects: change them in a migration of"
        " their own"
    )


def add_cast(statement: str, cast: str) -> str:
    """The ALTER TABLE with USING at the column that this cast, `column::type`, converts."""
    column = cast.partition("::")[0].strip('"')
    clause = rf'(ALTER COLUMN "{column}" TYPE .+?)(?=, (?:ALTER|ADD|DROP) |;)'
    return re.sub(clause, rf"\1 USING {cast}", statement)


def drop_with_dependents(context: PlanContext, obj: SchemaObject) -> bool:
    """Drop an object after its dependents; whether that succeeded."""
    for _ in range(MAX_ATTEMPTS):
        error = context.try_execute(inverse_statement(obj))
        if error is None:
            return True
        if not drop_dependents(context, error):
            context.blocked_by = str(error)
            return False
    return False


def drop_dependents(context: PlanContext, error: psycopg.Error) -> bool:
    """Drop the dependents that an error names; whether any could be dropped."""
    if not isinstance(error, errors.DependentObjectsStillExist | errors.FeatureNotSupported):
        return False
    detail = error.diag.message_detail or ""
    names = re.findall(r"^(?:rule _RETURN on )?(.+?) depends on ", detail, re.MULTILINE)
    dependents = [
        obj
        for obj in context.current().values()
        if name_in_error_message(obj) in map(unqualified, names)
    ]
    droppable = [
        obj for obj in reversed(dependents) if inverse_statement(obj) and obj.kind != "TABLE"
    ]
    dropped = [drop_with_dependents(context, obj) for obj in droppable]
    return any(dropped)


def name_in_error_message(obj: SchemaObject) -> str:
    """An object as error messages name it: `trigger touch on table users`. Without quotes, which are
    there only where a name needs them."""
    kind = "constraint" if "CONSTRAINT" in obj.kind else obj.kind.lower()
    name = obj.name.replace("public.", "")
    parts = DROP_ON_TABLE.match(obj.drop_sql)
    if parts:
        name = f"{parts['name']} on table {parts['on']}"
    elif obj.kind in ("POLICY", "RULE", "TRIGGER") or kind == "constraint":
        table, _, name = name.partition(" ")
        name = f"{name} on table {table}"
    return unqualified(f"{kind} {name.replace(', ', ',')}")


def unqualified(text: str) -> str:
    """Names without their quotes and the schema public."""
    return text.replace('"', "").replace("public.", "")
