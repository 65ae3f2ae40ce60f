"""Types that are set aside and recreated, with all that is made of them: what ALTER TYPE cannot do.

A type is renamed and created anew under its name, with the domains over it and the composite types that
have it, since these cannot change what they are made of. Then each column of any of them is converted, and
the old ones are dropped.
"""

from collections.abc import Callable
from typing import NamedTuple

import psycopg

from modelmigrate.planning.context import PlanContext
from modelmigrate.planning.dependents import (
    Target,
    drop_all_dependents,
    execute_with_dependents,
)
from modelmigrate.schema.catalog import columns_of_type
from modelmigrate.schema.diff import SchemaObject
from modelmigrate.sql.names import quote, split_name, unquote, with_suffix

# The type itself first, then the others after what they are made of.
MADE_OF = """
    WITH RECURSIVE made (class, type, depth) AS (
        SELECT %(class)s::oid, %(type)s::oid, 0
      UNION
        SELECT class, t.oid, depth + 1
        FROM made JOIN pg_type e ON e.oid = made.type JOIN pg_type t
            ON (t.typtype = 'd' AND t.typbasetype IN (e.oid, e.typarray))
            OR (t.typtype = 'c' AND EXISTS (
                SELECT FROM pg_attribute JOIN pg_class c ON c.oid = attrelid AND relkind = 'c'
                WHERE attrelid = t.typrelid AND NOT attisdropped AND atttypid IN (e.oid, e.typarray)))
    )
    SELECT class, type FROM made GROUP BY class, type ORDER BY max(depth)"""


class TypedColumn(NamedTuple):
    """A column of one of the types; names are as SQL has them."""

    table: str
    column: str
    type_name: str
    brackets: str
    """`[]` where it is an array of the type."""
    default: str | None

    @property
    def label(self) -> str:
        return f"{self.table}.{self.column}"


Cast = Callable[[TypedColumn], str]


def through_text(column: TypedColumn) -> str:
    """The cast of an enum's value, and of what is made of enums."""
    return f"{column.column}::text{column.brackets}::{column.type_name}{column.brackets}"


def by_cast(column: TypedColumn) -> str:
    """The cast by PostgreSQL's own rules; where it has none, it goes through text after all."""
    return f"{column.column}::{column.type_name}{column.brackets}"


class Recreation(NamedTuple):
    """A type with all that is made of it, before anything is done about them."""

    olds: list[SchemaObject]
    """The type first, then the others after what they are made of."""
    news: list[SchemaObject]
    columns: list[TypedColumn]


def recreation_of(context: PlanContext, current: SchemaObject) -> Recreation:
    """What has to be recreated with a type of the current schema."""
    keys = {"class": current.catalog[0], "type": current.catalog[1]}
    by_key = {obj.catalog: obj for obj in context.current().values()}
    found = context.connection.execute(MADE_OF, keys).fetchall()
    olds = [by_key[key] for key in found if key in by_key]
    columns = [
        TypedColumn(table, column, obj.quoted_name, brackets, default)
        for obj in olds
        for table, column, brackets, default in columns_of_type(context.connection, obj.quoted_name)
    ]
    return Recreation(olds, [context.desired.get(each.label, each) for each in olds], columns)


def recreate(context: PlanContext, recreation: Recreation, cast: Cast) -> str:
    """Set the types aside, create them anew, convert their columns, and drop the old ones; the reasons
    where that cannot be done, else nothing. Nothing is done where they cannot be created."""
    create = [
        *(f"ALTER {each.kind} {each.quoted_name} RENAME TO {aside(each)[1]};" for each in recreation.olds),
        *(each.create_sql for each in recreation.news),
    ]  # fmt: skip
    if error := error_of(context, create):
        context.blocked_by = str(error)
        return context.blocked_by
    convert = []
    for each in recreation.columns:
        alter = f"ALTER TABLE {each.table} ALTER COLUMN {each.column}"
        convert.append(f"{alter} TYPE {each.type_name}{each.brackets} USING {cast(each)};")
        convert += [f"{alter} SET DEFAULT {each.default};"] if each.default else []
    drop = [f"DROP {each.kind} {'.'.join(aside(each))};" for each in reversed(recreation.olds)]
    with context.in_transaction():
        # What they are used in, such as checks and conditions of indexes, cannot be converted.
        keep = {each.catalog for each in recreation.olds}
        drop_all_dependents(context, [Target(each.catalog) for each in recreation.olds], keep)
        reasons = [execute_with_dependents(context, each) for each in (*create, *convert, *drop)]
    return "\n".join(filter(None, reasons))


def aside(obj: SchemaObject) -> tuple[str, str]:
    """The schema and the name that a type has until it is dropped, as SQL has them."""
    schema, name = split_name(obj.quoted_name)
    return schema, quote(with_suffix(unquote(name), "_before"))


def error_of(context: PlanContext, statements: list[str]) -> psycopg.Error | None:
    """The error of statements that are tried, and undone."""
    try:
        with context.connection.transaction(force_rollback=True):
            for each in statements:
                context.connection.execute(each.encode())
    except psycopg.Error as error:
        return error
    return None
