"""Objects that change in their place, though `pg_dump` creates them by another statement then: triggers that are
enabled or disabled, foreign keys that become DEFERRABLE, which no row is read for, and materialized views that
get other storage parameters, without being refreshed."""

import re

from modelmigrate.planning.context import PlanContext
from modelmigrate.planning.names import alter_of, own_name
from modelmigrate.planning.tables import change_storage_parameters
from modelmigrate.schema.catalog import table_columns
from modelmigrate.schema.diff import SchemaObject, diff
from modelmigrate.sql.names import IDENTIFIER, QUALIFIED
from modelmigrate.sql.patterns import DEFERRABLE
from modelmigrate.sql.statements import replace_outside_quotes, split_statements

# The beginning of a materialized view, as `pg_dump` writes it, up to its query.
HEAD = re.compile(
    rf"CREATE MATERIALIZED VIEW (?P<name>{QUALIFIED})(?:\nWITH \((?P<options>[^\n]*)\))? AS\n"
)

# A NOT NULL that is NOT VALID, which `pg_dump` writes apart from its table since PostgreSQL 18.
NOT_VALID_NOT_NULL = re.compile(
    rf"ALTER TABLE (?:ONLY )?(?P<table>{QUALIFIED})\s+ADD CONSTRAINT {IDENTIFIER} NOT NULL"
    rf" (?P<column>{IDENTIFIER}) NOT VALID;"
)


def change_in_place(context: PlanContext) -> None:
    """Change what need not be dropped for it."""
    for change in diff(context.desired, context.expected()):
        statements: list[str] = []
        if change.current and change.desired:
            statements = changes_in_place(change.current, change.desired)
        elif change.desired:
            statements = forget_valid_not_null(context, change.desired)
        for statement in statements:
            context.try_execute(statement)


def forget_valid_not_null(context: PlanContext, desired: SchemaObject) -> list[str]:
    """The statement that makes way for a NOT NULL which is NOT VALID, where the column has a valid one."""
    found = NOT_VALID_NOT_NULL.match(desired.create_sql)
    column = found and table_columns(context.current_url, found["table"]).get(found["column"])
    if not found or not column or not column.not_null:
        return []
    return [f"ALTER TABLE {found['table']} ALTER COLUMN {found['column']} DROP NOT NULL;"]


def changes_in_place(current: SchemaObject, desired: SchemaObject) -> list[str]:
    """The statements that change a trigger, a foreign key or a materialized view in its place; none where
    that cannot be, or for anything else."""
    match desired.kind:
        case "FK CONSTRAINT":
            return change_deferrable(current, desired)
        case "TRIGGER":
            return switch_trigger(current, desired)
        case "MATERIALIZED VIEW":
            return change_options(current, desired)
    return []


def switch_trigger(current: SchemaObject, desired: SchemaObject) -> list[str]:
    """Enable or disable a trigger that is the same but for that."""
    (create, *state), (desired_create, *desired_state) = (
        split_statements(each.create_sql) for each in (current, desired)
    )
    if create != desired_create:
        return []
    words = r"\b(?:DISABLE|ENABLE ALWAYS|ENABLE REPLICA) TRIGGER\b"
    return desired_state or [replace_outside_quotes(e, words, "ENABLE TRIGGER") for e in state]


def change_deferrable(current: SchemaObject, desired: SchemaObject) -> list[str]:
    """Let a foreign key that is the same but for that be looked at late, or not."""
    same, desired_same = (DEFERRABLE.sub("", each.create_sql) for each in (current, desired))
    if same != desired_same:
        return []
    late = DEFERRABLE.search(desired.create_sql)
    how = late[0].strip() if late else "NOT DEFERRABLE"
    return [f"{alter_of(desired)} ALTER CONSTRAINT {own_name(desired)[1]} {how};"]


def change_options(current: SchemaObject, desired: SchemaObject) -> list[str]:
    """Set and reset the storage parameters of a materialized view that is the same but for them."""
    old, new = (HEAD.match(each.create_sql) for each in (current, desired))
    if not old or not new or current.create_sql[old.end() :] != desired.create_sql[new.end() :]:
        return []
    alter = f"ALTER MATERIALIZED VIEW {new['name']}"
    return change_storage_parameters(alter, old["options"] or "", new["options"] or "")
