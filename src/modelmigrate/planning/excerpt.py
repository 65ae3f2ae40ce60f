"""Excerpts of two schemas for Atlas to compare: what differs, and what that needs. So planning costs what
the change costs, and not what the schema weighs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg

from modelmigrate.planning.context import PlanContext
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.execute import execute_in_any_order
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Change, Schema, SchemaObject

MIN_SPARED = 75  # tables; fewer are compared sooner than excerpts are made
# What Atlas sees of tables that stay as they are, and of others.
OF_OTHERS = {
    "TABLE", "INDEX", "CONSTRAINT", "CHECK CONSTRAINT", "DEFAULT", "COMMENT", "SEQUENCE",
    "SEQUENCE OWNED BY",
}  # fmt: skip
OF_CHANGED = {*OF_OTHERS, "FK CONSTRAINT"}
NO_ROW = (0, 0)  # in the catalogs: of comments, owners and the like
NEEDED = """
    WITH RECURSIVE needed (class, object) AS (
        SELECT * FROM unnest(%s::oid[], %s::oid[])
      UNION
        SELECT refclassid, refobjid FROM needed JOIN pg_depend ON classid = class AND objid = object
        WHERE refobjid >= 16384
    )
    SELECT class::bigint, object::bigint FROM needed"""


def empty_databases(current: Schema) -> int:
    """How many `excerpts` asks for where little of this schema changes."""
    return 2 * (tables_of(current) > MIN_SPARED)


def tables_of(schema: Schema) -> int:
    """How many tables it has."""
    return sum(each.kind == "TABLE" for each in schema.values())


@contextmanager
def excerpts(context: PlanContext, changes: list[Change]) -> Iterator[tuple[str, str]]:
    """The URLs of the current and the desired database that Atlas is to compare: two small ones, with the
    tables and types that changed, and what these need. Or the whole ones, where there is little to
    spare, where tables inherit from others, or where a small one cannot be made."""
    whole = (context.current_url, context.desired_url)
    sides = [side for each in changes for side in (each.current, each.desired) if side]
    labels = {label for side in sides for label in (side.label, *side.belongs_to)}
    changed = {each for each in labels if each.startswith(("TABLE ", "TYPE "))}
    with ExitStack() as made:
        if tables_of(context.desired) - len(changed) < MIN_SPARED:
            yield whole
            return
        if any(each.current for each in changes):
            schemas = dict(zip(whole, (context.current(), context.desired), strict=True))
            parts = parts_of(schemas, changed)
        else:  # all that is there is as it shall be, and needs the same
            [desired] = parts_of({context.desired_url: context.desired}, changed)
            there = context.expected()
            parts = [[each for each in desired if each.label in there], desired]
        urls = [made.enter_context(scratch_database()) for _ in whole]
        with ThreadPoolExecutor(len(urls)) as both:
            fails = not all([*both.map(can_be_made, urls, parts)])
        yield whole if fails else (urls[0], urls[1])


def can_be_made(url: str, part: list[SchemaObject]) -> bool:
    """Create a part of a schema in an empty database; whether that is possible, and enough for Atlas."""
    inherits = any(map(is_inherited, part))
    return not inherits and not execute_in_any_order(url, [each.create_sql for each in part])


def parts_of(schemas: dict[str, Schema], changed: set[str]) -> list[list[SchemaObject]]:
    """What changed in these schemas, which are those of the databases at these URLs, and what it needs
    in either: what one of the two lacked, Atlas would create or drop."""
    around: set[str] = set()
    with ExitStack() as opened:
        sides = [
            (opened.enter_context(closing(connect(url))), schema) for url, schema in schemas.items()
        ]
        while True:
            parts = [needed(connection, schema, changed, around) for connection, schema in sides]
            found = {each.label for part in parts for each in part}
            if found <= around:
                return parts
            around |= found


def needed(
    connection: psycopg.Connection[Any], schema: Schema, changed: set[str], around: set[str]
) -> list[SchemaObject]:
    """The tables and types of a schema that changed, and what is around them, with all that these need;
    foreign keys of the first alone."""

    def is_part(obj: SchemaObject) -> bool:
        return (
            obj.label in changed
            or obj.label in around
            or (obj.kind in OF_CHANGED and not changed.isdisjoint(obj.belongs_to))
            or (obj.kind in OF_OTHERS and not around.isdisjoint(obj.belongs_to))
        )

    parts = {obj.label: obj.catalog for obj in schema.values() if is_part(obj)}
    catalogs, rows = ([each[i] for each in parts.values()] for i in range(2))
    reached = {*connection.execute(NEEDED, [catalogs, rows]).fetchall()}
    return [
        obj
        for obj in schema.values()
        if obj.label in parts or obj.catalog in reached - {NO_ROW} or obj.kind == "SCHEMA"
    ]


def is_inherited(obj: SchemaObject) -> bool:
    """Whether a table shares its columns with others."""
    return obj.kind == "TABLE" and (
        bool(obj.belongs_to)
        or "\nINHERITS (" in obj.create_sql
        or "\nPARTITION BY " in obj.create_sql
    )
