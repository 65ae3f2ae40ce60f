"""Statements that other objects block: what depends on the change is dropped before it."""

import re

import psycopg
from psycopg import errors

from modelmigrate.planning.context import PlanContext
from modelmigrate.planning.kinds import inverse_statement
from modelmigrate.schema.diff import SchemaObject

DROP_ON_TABLE = re.compile(r"DROP (?:TRIGGER|RULE|POLICY) IF EXISTS (?P<name>.*) ON (?P<on>.*);")


def execute_with_dependents(context: PlanContext, statement: str) -> str:
    """Run a statement of Atlas's, moving out of its way what depends on the column."""
    for _ in range(20):
        error = context.try_execute(statement)
        if error is None:
            return ""
        hint = re.search(r'USING (\S+::.*)"\.', error.diag.message_hint or "")
        default = re.search(r'default for column "(.*)" cannot be cast', str(error))
        if hint and f"USING {hint[1]}" not in statement:
            column = hint[1].partition("::")[0].strip('"')
            clause = rf'(ALTER COLUMN "{column}" TYPE .+?)(?=, (?:ALTER|ADD|DROP) |;)'
            statement = re.sub(clause, rf"\1 USING {hint[1]}", statement)
        elif default and (table := re.search(r"ALTER TABLE \S+", statement)):
            context.try_execute(f'{table[0]} ALTER COLUMN "{default[1]}" DROP DEFAULT;')
        elif not drop_dependents(context, error):
            return str(error)
    return "too much depends on it"


def drop_with_dependents(context: PlanContext, entry: SchemaObject) -> bool:
    """Remove an object, and before it what depends on it; all that is wanted is made again."""
    for _ in range(20):
        error = context.try_execute(inverse_statement(entry))
        if error is None:
            return True
        if not drop_dependents(context, error):
            context.blocked_by = str(error)
            return False
    return False


def drop_dependents(context: PlanContext, error: psycopg.Error) -> bool:
    """Remove the objects that an error names as in the way; whether any could be."""
    detail = error.diag.message_detail or ""
    if not isinstance(error, errors.DependentObjectsStillExist | errors.FeatureNotSupported):
        return False
    named = re.findall(r"^(?:rule _RETURN on )?(.+?) depends on ", detail, re.MULTILINE)
    found = [
        entry
        for entry in context.current().values()
        if name_in_error_message(entry) in map(unqualified, named)
    ]
    movable = [
        entry for entry in reversed(found) if inverse_statement(entry) and entry.kind != "TABLE"
    ]
    cleared = [drop_with_dependents(context, entry) for entry in movable]
    return any(cleared)


def name_in_error_message(entry: SchemaObject) -> str:
    """An entry as error messages name it: `trigger touch on table users`; without quotes, which
    they use where names need them."""
    kind = "constraint" if "CONSTRAINT" in entry.kind else entry.kind.lower()
    name = entry.name.replace("public.", "")
    parts = DROP_ON_TABLE.match(entry.drop_sql)
    if parts:
        name = f"{parts['name']} on table {parts['on']}"
    elif entry.kind in ("POLICY", "RULE", "TRIGGER") or kind == "constraint":
        table, _, name = name.partition(" ")
        name = f"{name} on table {table}"
    return unqualified(f"{kind} {name.replace(', ', ',')}")


def unqualified(text: str) -> str:
    return text.replace('"', "").replace("public.", "")
