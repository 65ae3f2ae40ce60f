"""What a migration has lost, and its down migration does not bring back: the structure returns, and the
values do not.

It is found by observation: a copy gets rows, the migration and its down migration run on it, and what it
holds is compared with what it held. So it does not matter which statement it was, or where it stands. Where
a copy can have no rows, what was dropped counts, and what got a type with less room.
"""

import re
from contextlib import closing
from typing import Any, NamedTuple

import psycopg

from modelmigrate.migrations.data_loss import DataLoss, data_losses
from modelmigrate.planning.contents import Contents, not_the_same, read_contents
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.execute import try_execute
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.catalog import CatalogObjects

IMPLICIT_CASTS = """
    SELECT format_type(castsource, NULL), format_type(casttarget, NULL)
    FROM pg_cast WHERE castcontext = 'i'"""
LIMITS = re.compile(r"\(([\d,]+)\)")  # of a length, or a precision
# What is too long for a limit of theirs is refused, not cut, unless it is cast.
OF_ANY_TEXT = ("text", "character varying")


class NotRestored(NamedTuple):
    """Values of a column, or rows of a table, as these are called before the migration."""

    table: str
    column: str = ""
    table_after: str = ""
    """What the table is called after the migration; empty where it is dropped."""

    @property
    def label(self) -> str:
        """How it is accepted by name: `users.bio`, `teams`."""
        return DataLoss(self.table, self.column).label

    @property
    def what(self) -> str:
        """As a person says it."""
        return f"the {'values' if self.column else 'rows'} of {self.label}"


def find_not_restored(
    before_url: str,
    after_url: str,
    before: CatalogObjects,
    after: CatalogObjects,
    contents: Contents | None,
    restored: Contents | None,
) -> list[NotRestored]:
    """What a down migration does not bring back.

    Args:
        before_url: Of the scratch database without the migration.
        after_url: Of a clone of it, with the migration.
        before: The objects of the first.
        after: The objects of the second.
        contents: What the clone held before the migration, if it had rows.
        restored: What it holds after the down migration; None where the rows do not allow it.
    """
    losses = data_losses(before_url, after_url, before, after)
    implicit = implicit_casts(before_url) if any(each.new_type for each in losses) else set()
    dropped = {
        (loss.table, loss.column)
        for loss in losses
        if not loss.attribute
        and not (loss.new_type and has_room_for(loss.new_type, loss.old_type, implicit))
    }
    changed = not_the_same(contents, restored) if contents and restored else []
    # Whatever held values, and has them again, is restored though it was dropped.
    observed = {
        key[:2]
        for key, held in (contents.values if contents and restored else {}).items()
        if any(value != "NULL" for value in held)
    }
    tables_observed = {oid for oid, _ in observed}
    found = []
    for obj in before.values():
        key = (obj.oid, obj.number)
        is_column = obj.kind == "column"
        if not is_column and (obj.kind != "relation" or obj.type_name != "TABLE"):
            continue
        name = (obj.parent, obj.name if is_column else "")
        seen = key in observed if is_column else obj.oid in tables_observed
        if key in changed or (name in dropped and not seen):
            table = after.get(("relation", obj.oid, 0))
            found.append(NotRestored(*name, table.parent if table else ""))
    return found


def implicit_casts(url: str) -> set[tuple[str, str]]:
    """The pairs of types of which the first becomes the second wherever that is needed."""
    with closing(connect(url)) as connection:
        return {*connection.execute(IMPLICIT_CASTS).fetchall()}


def has_room_for(new: str, old: str, implicit: set[tuple[str, str]]) -> bool:
    """Whether a type can be expected to hold each value of another one, by their names alone."""
    if new.endswith("[]") and old.endswith("[]"):
        return has_room_for(new[:-2], old[:-2], implicit)
    (plain, limits), (old_plain, old_limits) = (
        (LIMITS.sub("", each), [int(n) for n in re.findall(r"\d+", "".join(LIMITS.findall(each)))])
        for each in (new, old)
    )
    if plain in OF_ANY_TEXT:
        return True
    if plain != old_plain and (old_plain, plain) not in implicit:
        return False
    return not limits or (
        plain == old_plain
        and len(limits) == len(old_limits)
        and all(limit >= old_limit for limit, old_limit in zip(limits, old_limits, strict=True))
    )


def contents_afterwards(after_url: str, script: str) -> Contents | None:
    """What a clone of a scratch database holds after a script; None where its rows do not allow it."""
    with scratch_database(after_url) as url:
        with closing(connect(url)) as connection, connection.transaction():
            if try_execute(connection, f"SET LOCAL check_function_bodies = off;\n{script}"):
                return None
        return read_contents(url)


def count_not_restored(url: str, found: list[NotRestored]) -> dict[str, str]:
    """For each of these, how many rows of the database at `url` will lack it, as far as that can be
    known. A column of a table without rows lacks nothing, and is left out."""
    counted = {}
    with closing(connect(url, default_transaction_read_only="on")) as connection:
        for each in found:
            if not each.column or not each.table_after:
                counted[each.label] = f"the migration lost {each.what}"
            elif count := _rows_of(connection, each.table_after):
                counted[each.label] = f"the migration lost the values, of up to {count} rows"
    return counted


def _rows_of(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    return int(row[0]) if row else 0
