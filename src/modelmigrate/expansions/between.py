"""The schema between the two halves: that of the models, and with it what older code still uses."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from modelmigrate.expansions.columns import (
    index_copies,
)
from modelmigrate.expansions.directives import Expansion
from modelmigrate.expansions.kept import KEPT
from modelmigrate.expansions.refusals import cannot_be_halved
from modelmigrate.expansions.sides import IS_MEANT, Sides
from modelmigrate.expansions.sync import added
from modelmigrate.planning.context import PlanContext
from modelmigrate.planning.names import rename_what_is_the_same
from modelmigrate.planning.sequences import carry_sequences_over
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.execute import try_execute
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Schema
from modelmigrate.schema.dump import read_schema
from modelmigrate.sql.names import quote, with_suffix

VIEWS = ("VIEW", "MATERIALIZED VIEW")


@contextmanager
def in_between(sides: Sides, expansions: Sequence[Expansion]) -> Iterator[str]:
    """The URL of a scratch database with the desired schema, and what the current one has of these
    expansions; those that the models no longer ask for are left out. To be read and cloned only.

    Raises:
        MigrateError: one of them cannot be made in two halves.
    """
    meant = [each for each in expansions if IS_MEANT[each.kind](sides, each)]
    if not meant:
        yield sides.desired_url
        return
    with scratch_database(sides.desired_url) as url:
        with closing(connect(url, check_function_bodies="off")) as connection:
            drop_views(connection, sides.desired, meant)
            for each in meant:
                run(connection, each, KEPT[each.kind](connection, sides, each))
            create_views(connection, sides.desired, read_schema(url))
            context = PlanContext(connection, url, sides.current_url, sides.current)
            rename_what_is_the_same(context)
            carry_sequences_over(context)
            for each in meant:
                if each.kind in ("rename-column", "retype-column"):
                    copy_indexes(connection, each)
        yield url


def run(connection: psycopg.Connection[Any], expansion: Expansion, statements: list[str]) -> None:
    """Run what makes the schema one between two halves.

    Raises:
        MigrateError: PostgreSQL does not take it.
    """
    for statement in statements:
        if error := try_execute(connection, statement):
            raise cannot_be_halved(expansion, f"{error.diag.message_primary}")


# --- views, which keep columns from changing their type ---


def drop_views(
    connection: psycopg.Connection[Any], desired: Schema, expansions: Sequence[Expansion]
) -> None:
    """Drop the views for as long as a column gets another type."""
    if any(each.kind == "retype-column" for each in expansions):
        for obj in desired.values():
            if obj.kind in VIEWS:
                try_execute(connection, f"DROP {obj.kind} IF EXISTS {obj.quoted_name} CASCADE")


def create_views(connection: psycopg.Connection[Any], desired: Schema, current: Schema) -> None:
    """Create the views again, with what belongs to them."""
    views = {label for label, obj in desired.items() if obj.kind in VIEWS} - current.keys()
    for label, obj in desired.items():
        if label not in current and (label in views or views.intersection(obj.belongs_to)):
            try_execute(connection, obj.create_sql)


# --- indexes ---


def copy_indexes(connection: psycopg.Connection[Any], each: Expansion) -> None:
    """Give the column that is added indexes like those of the other one, while it has its name."""
    alter = f"ALTER TABLE {each.sql_table} RENAME COLUMN"
    old, new = quote(each.column), quote(added(each))
    aside = quote(with_suffix(each.column, "_aside"))
    copies = [*index_copies(connection, each)]
    if copies:
        swap = [f"{alter} {old} TO {aside}", f"{alter} {new} TO {old}"]
        back = [f"{alter} {old} TO {new}", f"{alter} {aside} TO {old}"]
        run(connection, each, [*swap, *copies, *back])
