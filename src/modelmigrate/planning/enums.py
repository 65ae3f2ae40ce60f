"""Enums that lose values or change their order, which ALTER TYPE cannot do."""

from modelmigrate.planning.context import PlanContext
from modelmigrate.planning.dependents import (
    Target,
    drop_all_dependents,
    execute_with_dependents,
)
from modelmigrate.schema.catalog import columns_of_type
from modelmigrate.schema.diff import SchemaObject
from modelmigrate.sql.names import quote, split_name, unquote, with_suffix
from modelmigrate.sql.statements import split_parentheses


def recreate_enums(context: PlanContext) -> None:
    """Recreate the enums that lose values or change their order; their columns are converted."""
    for label, current in list(context.current().items()):
        desired = context.desired.get(label)
        if desired and needs_recreation(current, desired):
            with context.in_transaction():
                statements = recreation(context, desired)
                # Its values are in checks, conditions of indexes and so on, which cannot be converted.
                drop_all_dependents(context, [Target(current.catalog)])
                for statement in statements:
                    execute_with_dependents(context, statement)


def needs_recreation(current: SchemaObject, desired: SchemaObject) -> bool:
    """Whether it is an enum that ALTER TYPE ... ADD VALUE alone does not change into the desired one."""
    head, values, _ = split_parentheses(current.create_sql)
    if not head.endswith(" AS ENUM (") or desired.create_sql == current.create_sql:
        return False
    _, desired_values, _ = split_parentheses(desired.create_sql)
    return [value for value in desired_values if value in values] != values


def recreation(context: PlanContext, desired: SchemaObject) -> list[str]:
    """The statements that create the enum under its name, convert its columns, and drop the old one."""
    name = desired.quoted_name
    schema, unqualified_name = split_name(name)
    old_name = quote(with_suffix(unquote(unqualified_name), "_before"))
    statements = [f"ALTER TYPE {name} RENAME TO {old_name};", desired.create_sql]
    for table, column, brackets, default in columns_of_type(context.connection, name):
        alter = f"ALTER TABLE {table} ALTER COLUMN {column}"
        cast = f"{column}::text{brackets}::{name}{brackets}"
        statements.append(f"{alter} TYPE {name}{brackets} USING {cast};")
        statements += [f"{alter} SET DEFAULT {default};"] if default else []
    return [*statements, f"DROP TYPE {schema}.{old_name};"]
