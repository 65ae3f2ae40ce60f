"""Generated columns, which Atlas adds and drops, but does not change; virtual ones it would store."""

from modelmigrate.planning.context import PlanContext
from modelmigrate.planning.dependents import execute_with_dependents
from modelmigrate.planning.tables import columns_of, type_of
from modelmigrate.schema.catalog import Column
from modelmigrate.schema.diff import diff
from modelmigrate.sql.names import quote, unquote

KINDS = {"s": "STORED", "v": "VIRTUAL"}
SET_EXPRESSION_SINCE = 170000  # the version of PostgreSQL
REWRITES = "-- Rewrites the table: each value is computed anew.\n"


def change_generated_columns(context: PlanContext) -> None:
    """Bring the generated columns of the tables that stay to their desired state."""
    for change in diff(context.desired, context.expected()):
        current, desired = change.current, change.desired
        if change.kind != "TABLE" or not current or not desired:
            continue
        if " GENERATED ALWAYS AS " in current.create_sql + desired.create_sql:
            columns, desired_columns = columns_of(context, current, desired)
            alter = f"ALTER TABLE {desired.quoted_name}"
            for name, new in desired_columns.items():
                if name in columns:
                    statements = change_column(context, alter, columns[name], new)
                elif new.generated == "v":
                    statements = [f"{alter} ADD COLUMN {definition(new)};"]
                else:
                    continue
                for statement in statements:
                    if execute_with_dependents(context, statement):
                        break


def change_column(context: PlanContext, alter: str, old: Column, new: Column) -> list[str]:
    """The statements that make a column generated, or one that is not, or that change its expression."""
    rewrites = REWRITES if "s" in (old.generated, new.generated) else ""
    match old.generated, new.generated:
        case "", "":
            return []
        case "s", "":
            return [f"{alter} ALTER COLUMN {old.name} DROP EXPRESSION;"]
        case "v", "":
            return keep_values(alter, old, new)
        case one, other if one == other and old.default == new.default:
            return []
        case one, other if one == other and can_set_expression(context):
            return [f"{rewrites}{alter} ALTER COLUMN {old.name} SET EXPRESSION AS ({new.default});"]
    add = f"{rewrites}{alter} ADD COLUMN {definition(new)};"
    return [f"{alter} DROP COLUMN {old.name};", add]


def can_set_expression(context: PlanContext) -> bool:
    """Whether this PostgreSQL can change the expression of a column that is there."""
    return context.connection.info.server_version >= SET_EXPRESSION_SINCE


def keep_values(alter: str, old: Column, new: Column) -> list[str]:
    """The statements that store the values of a virtual column in a column of its name."""
    table, kept = alter.removeprefix("ALTER TABLE "), quote(f"{unquote(old.name)[:50]}_kept")
    return [
        f"{alter} ADD COLUMN {kept} {type_of(new)};",
        f"UPDATE {table} SET {kept} = {old.name};",
        f"{alter} DROP COLUMN {old.name};",
        f"{alter} RENAME COLUMN {kept} TO {old.name};",
    ]


def definition(column: Column) -> str:
    """A generated column as ADD COLUMN has it."""
    expression = f"GENERATED ALWAYS AS ({column.default}) {KINDS[column.generated]}"
    not_null = " NOT NULL" if column.not_null else ""
    return f"{column.name} {type_of(column)} {expression}{not_null}"
