"""What older code would fail of, between what the migrations make and what the models say."""

from collections.abc import Iterable
from contextlib import closing
from typing import Any

import psycopg

from modelmigrate.expansions.directives import Expansion, parts_of_name
from modelmigrate.expansions.sides import IS_MEANT, Sides
from modelmigrate.planning.renames import Rename
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import diff
from modelmigrate.schema.namespaces import PUBLIC
from modelmigrate.sql.names import split_name, unquote

FILE_NODE = "SELECT pg_relation_filenode(to_regclass(%s))"


def needed(sides: Sides, renames: Iterable[Rename], begun: list[Expansion]) -> list[Expansion]:
    """What older code would fail of between the two sides, after these renames; without what was begun
    already."""
    found = [each for rename in renames if (each := of_rename(rename))]
    renamed = {(each.schema, each.table, each.column) for each in found}
    for schema, table in changed_tables(sides):
        name = Expansion("drop-table", schema, table)
        if sides.has_table(name.sql_table)[0] and not sides.has_table(name.sql_table)[1]:
            found += [name] * ((schema, table, "") not in renamed)
            continue
        current, desired = sides.columns(name.sql_table)
        for column in {**current, **desired}:
            for kind in ("drop-column", "require-column", "retype-column"):
                each = Expansion(kind, schema, table, column)
                if (schema, table, column) not in renamed and IS_MEANT[kind](sides, each):
                    found.append(each)
    added = {(each.schema, each.table, each.new) for each in found if each.column}
    rewritten = rewriting(sides, [each for each in found if each.kind == "retype-column"])
    return [
        each
        for each in dict.fromkeys(found)
        if each not in begun
        and (each.schema, each.table, each.column) not in added
        and (each.kind != "retype-column" or each in rewritten)
    ]


def of_rename(rename: Rename) -> Expansion | None:
    """A rename in two halves; None for one that has none: of a type, a value or to another schema."""
    if rename.what not in ("column", "table"):
        return None
    whole = rename.parent if rename.what == "column" else rename.old_name
    *schema, table = parts_of_name(whole)
    *elsewhere, new = parts_of_name(rename.new)
    column = parts_of_name(rename.old)[-1] if rename.what == "column" else ""
    place = schema[0] if schema else PUBLIC
    if elsewhere and elsewhere != [place]:
        return None
    return Expansion(f"rename-{rename.what}", place, table, column, new)


def changed_tables(sides: Sides) -> list[tuple[str, str]]:
    """The schema and the name of each table of the current side that differs in anything, but for
    partitions."""
    labels = {
        label
        for change in diff(sides.desired, sides.current)
        for side in (change.current, change.desired)
        if side
        for label in (side.label, *side.belongs_to)
    }
    tables = [
        obj
        for label, obj in sides.current.items()
        if label in labels
        and obj.kind == "TABLE"
        and f"TABLE ATTACH {obj.name}" not in sides.current
    ]
    names = (map(unquote, split_name(each.quoted_name)) for each in tables)
    return [(schema, table) for schema, table in names]


def rewriting(sides: Sides, expansions: list[Expansion]) -> list[Expansion]:
    """Those of these changes of a type for which PostgreSQL rewrites the table, or that it refuses."""
    if not expansions:
        return []
    with scratch_database(sides.current_url) as url, closing(connect(url)) as connection:
        return [each for each in expansions if is_rewriting(connection, sides, each)]


def is_rewriting(connection: psycopg.Connection[Any], sides: Sides, each: Expansion) -> bool:
    """Whether the change of a type gives its table a new file, or cannot be made at once."""
    column = sides.columns(each.sql_table)[1][each.column]
    alter = (
        f"ALTER TABLE {each.sql_table} ALTER COLUMN {column.name} TYPE {column.type_name}"
        f" USING {column.name}::{column.type_name}"
    )
    before = connection.execute(FILE_NODE, [each.sql_table]).fetchone()
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(alter.encode())
            return connection.execute(FILE_NODE, [each.sql_table]).fetchone() != before
    except psycopg.Error:
        return True
