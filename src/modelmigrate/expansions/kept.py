"""What stays for older code beside the models' schema, by the kind of the expansion: as statements."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg

from modelmigrate.expansions.columns import (
    column_type,
    definition,
    grants_on,
    parts_of,
    read_pair,
)
from modelmigrate.expansions.directives import Expansion
from modelmigrate.expansions.sides import Sides
from modelmigrate.expansions.sync import added
from modelmigrate.postgres.connection import connect
from modelmigrate.sql.names import label_name, quote


def renamed_column(connection: psycopg.Connection[Any], sides: Sides, each: Expansion) -> list[str]:
    """The column has its old name with all that belongs to it, and another one has the new name."""
    column = sides.columns(each.sql_table)[1][each.new]
    pair = read_pair(connection, each, column_type(column))
    return [
        f"ALTER TABLE {each.sql_table} RENAME COLUMN {quote(each.new)} TO {quote(each.column)}",
        f"ALTER TABLE {each.sql_table} ADD COLUMN {quote(each.new)} {pair.type_name}",
        *pair.create,
    ]


def retyped_column(connection: psycopg.Connection[Any], sides: Sides, each: Expansion) -> list[str]:
    """The column has its old type, and another one beside it has the new one."""
    old, column = (columns[each.column] for columns in sides.columns(each.sql_table))
    pair = read_pair(connection, each, column_type(column))
    alter = f"ALTER TABLE {each.sql_table} ALTER COLUMN {column.name}"
    default = f"SET DEFAULT {old.default}" if old.default else "DROP DEFAULT"
    return [
        f"{alter} DROP DEFAULT",
        f"{alter} TYPE {column_type(old)} USING NULL",
        f"{alter} {default}",
        f"ALTER TABLE {each.sql_table} ADD COLUMN {quote(added(each))} {pair.type_name}",
        *pair.create,
    ]


def dropped_column(_: psycopg.Connection[Any], sides: Sides, each: Expansion) -> list[str]:
    """The column is there, with what belongs to it; code need not fill it."""
    column = sides.columns(each.sql_table)[0][each.column]
    with closing(connect(sides.current_url)) as current:
        parts = parts_of(current, each)
    return [f"ALTER TABLE {each.sql_table} ADD COLUMN {definition(column)}", *parts]


def required_column(_: psycopg.Connection[Any], sides: Sides, each: Expansion) -> list[str]:
    """Code need not fill the column."""
    current = sides.columns(each.sql_table)[0].get(each.column)
    alter = f"ALTER TABLE {each.sql_table} ALTER COLUMN {quote(each.column)}"
    stays = [f"{alter} SET DEFAULT {current.default}"] if current and current.default else []
    return stays if current and current.not_null else [f"{alter} DROP NOT NULL", *stays]


def dropped_table(_: psycopg.Connection[Any], sides: Sides, each: Expansion) -> list[str]:
    """The table is there, with its parts."""
    label = f"TABLE {label_name(each.sql_table)}"
    return [
        obj.create_sql
        for obj in sides.current.values()
        if obj.label == label or label in obj.belongs_to
    ]


def renamed_table(_: psycopg.Connection[Any], sides: Sides, each: Expansion) -> list[str]:
    """A view has the old name: what is written to it is written to the table."""
    new = each.in_schema(each.new)
    there = sides.columns(new)[1].values()
    known = sides.columns(each.sql_table)[0].values()
    names = ", ".join(c.name for c in known if c.name in {column.name for column in there})
    with closing(connect(sides.current_url)) as current:
        grants = grants_on(current, each.sql_table)
        invoker = " WITH (security_invoker='true')" * (current.info.server_version >= 150000)
    return [f"CREATE VIEW {each.sql_table}{invoker} AS SELECT {names} FROM {new}", *grants]


KEPT: dict[str, Callable[[psycopg.Connection[Any], Sides, Expansion], list[str]]] = {
    "drop-column": dropped_column,
    "drop-table": dropped_table,
    "rename-column": renamed_column,
    "rename-table": renamed_table,
    "require-column": required_column,
    "retype-column": retyped_column,
}
