"""Composite types that stay: their attributes are changed by ALTER TYPE, or else the type is recreated."""

import re
from contextlib import closing
from typing import NamedTuple

from psycopg import errors

from modelmigrate.planning.context import CannotPlanError, PlanContext
from modelmigrate.planning.recreation import Cast, TypedColumn, by_cast, recreate, recreation_of
from modelmigrate.postgres.connection import connect
from modelmigrate.schema.diff import SchemaObject, diff
from modelmigrate.sql.names import QUALIFIED

COMPOSITE = re.compile(rf"CREATE TYPE {QUALIFIED} AS \(")
ATTRIBUTES = """
    SELECT quote_ident(attname), attnum,
           format_type(atttypid, atttypmod) || CASE WHEN attcollation <> typcollation
               THEN ' COLLATE ' || attcollation::regcollation ELSE '' END
    FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
    WHERE attrelid = (SELECT typrelid FROM pg_type WHERE oid = %s) AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum"""


class Attribute(NamedTuple):
    """An attribute of a composite type, as the catalogs have it; names are qualified and quoted."""

    name: str
    number: int
    type_name: str
    """With its collation, where that is not the type's own."""


def read_attributes(url: str, name: str) -> list[Attribute]:
    """The attributes of the type of this name, with its schema, in the database at `url`."""
    with closing(connect(url)) as connection, connection.transaction():
        connection.execute("SET LOCAL search_path = ''")
        [(oid,)] = connection.execute("SELECT to_regtype(%s)::oid", [name]).fetchall()
        return [Attribute(*row) for row in connection.execute(ATTRIBUTES, [oid])]


def change_composites(context: PlanContext) -> None:
    """Bring the composite types that stay to their desired state, with the columns of them.

    Raises:
        CannotPlanError: PostgreSQL cannot convert the columns.
    """
    for change in diff(context.desired, context.expected()):
        current, desired = change.current, change.desired
        if not current or not desired or not COMPOSITE.match(current.create_sql):
            continue
        if COMPOSITE.match(desired.create_sql):
            name = desired.quoted_name
            old, new = (
                read_attributes(url, name) for url in (context.current_url, context.desired_url)
            )
            change_attributes(context, current, old, new)


def change_attributes(
    context: PlanContext, current: SchemaObject, old: list[Attribute], new: list[Attribute]
) -> None:
    """Give a type its new attributes: in its place where that gives them their order, too."""
    alter = f"ALTER TYPE {current.quoted_name}"
    renamed = renamed_attributes(old, new)
    names = [renamed.get(each.name, each.name) for each in old]
    wanted = {each.name: each for each in new}
    kept = [each for each in names if each in wanted]
    steps = [f"{alter} RENAME ATTRIBUTE {one} TO {other}" for one, other in renamed.items()]
    steps += [f"{alter} DROP ATTRIBUTE {each}" for each in names if each not in wanted]
    in_order = [*kept, *(each.name for each in new if each.name not in kept)] == [*wanted]
    if in_order:
        types = {renamed.get(each.name, each.name): each.type_name for each in old}
        steps += [
            f"{alter} ALTER ATTRIBUTE {each} TYPE {wanted[each].type_name}"
            for each in kept
            if types[each] != wanted[each].type_name
        ]
        steps += [
            f"{alter} ADD ATTRIBUTE {each.name} {each.type_name}"
            for each in new
            if each.name not in kept
        ]
    for each in steps:
        error = context.try_execute(f"{each};")
        if isinstance(error, errors.WrongObjectType | errors.DependentObjectsStillExist):
            error = context.try_execute(f"{each} CASCADE;")  # to the tables of this type
        if isinstance(error, errors.FeatureNotSupported):  # a column uses it
            recreate_composite(context, current, by_cast)
            return
        if error:
            return  # what it needs may come later
    if not in_order:
        recreate_composite(context, current, by_names)


def renamed_attributes(old: list[Attribute], new: list[Attribute]) -> dict[str, str]:
    """The new names of the attributes that have the place and the type of another one, and no name of the
    other side."""
    places = {(each.number, each.type_name): each.name for each in new}
    names, wanted = {each.name for each in old}, {each.name for each in new}
    found = {each.name: places.get((each.number, each.type_name), each.name) for each in old}
    return {one: other for one, other in found.items() if one not in wanted and other not in names}


def by_names(column: TypedColumn) -> str:
    """The cast to a type with other attributes, or with the same in another order."""
    return f"jsonb_populate_record(NULL::{column.type_name}, to_jsonb({column.column}))"


def recreate_composite(context: PlanContext, current: SchemaObject, cast: Cast) -> None:
    """Recreate a type, with the columns of it."""
    recreation = recreation_of(context, current)
    arrays = [each.label for each in recreation.columns if each.brackets and cast is by_names]
    count = len(context.statements)
    reason = "" if arrays else recreate(context, recreation, cast)
    if arrays or (reason and count < len(context.statements)):
        used = ", ".join(arrays or [each.label for each in recreation.columns])
        raise CannotPlanError(
            f"{current.label} cannot be made another one where it is in use: {used}"
            + (" (an array of it)" if arrays else f"\n{reason}")
        )
