"""The data that a script would lose: which tables and columns, and how many rows."""

import re
from contextlib import closing
from typing import Any, NamedTuple

import psycopg
from psycopg import errors

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.catalog import CatalogObjects, catalog_objects
from modelmigrate.sql.names import IDENTIFIER, QUALIFIED
from modelmigrate.sql.statements import (
    shorten,
    split_at_commas,
    split_statements,
    strip_comments,
)
from modelmigrate.terminal import say

CHANGES_ROWS = re.compile(r"\A(TRUNCATE|DELETE|UPDATE)\b", re.IGNORECASE)
# An UPDATE that only gives a column values where it has none. Not one that sets others, too.
FILLS = re.compile(
    rf"UPDATE {QUALIFIED} SET (?P<column>{IDENTIFIER}) = {IDENTIFIER}"
    rf" WHERE (?P=column) IS NULL AND {IDENTIFIER} IS NOT NULL;"
)
# What is in a column beside its type: the base type of a domain, and the attributes of a composite type.
BASE_TYPES = """
    SELECT attrelid, attnum, format_type(typbasetype, typtypmod)
    FROM pg_attribute JOIN pg_type t ON t.oid = atttypid WHERE typtype = 'd' AND attnum > 0"""
ATTRIBUTES = """
    SELECT c.attrelid, c.attnum, t.oid, a.attnum, quote_ident(a.attname)
    FROM pg_attribute c JOIN pg_type t ON t.oid = c.atttypid
    JOIN pg_class r ON r.oid = typrelid AND relkind = 'c'
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.attnum > 0 AND NOT c.attisdropped"""
GENERATED_COLUMNS = "SELECT attrelid, attnum FROM pg_attribute WHERE attgenerated <> ''"
# From a value to the new type and back: by PostgreSQL's own casts, else through text.
WAYS = ("{0}::{1}::{2}", "{0}::text::{1}::text::{2}")
# Types without an equality, or with one of areas, and what they are compared as.
COMPARED_AS = {"json": "jsonb", "xml": "text"} | dict.fromkeys(
    ("point", "box", "circle", "lseg", "line", "path", "polygon"), "text"
)


class Inside(NamedTuple):
    """What is inside of columns: see BASE_TYPES and ATTRIBUTES."""

    bases: dict[tuple[int, int], str]
    attributes: list[tuple[Any, ...]]


class DataLoss(NamedTuple):
    """A table, a column, an attribute of it, or what does not fit into a column's new type."""

    table: str
    column: str = ""
    old_type: str = ""
    new_type: str = ""
    attribute: str = ""

    @property
    def label(self) -> str:
        """How it is accepted by name: `users.bio`, `teams`, `users.address.city`."""
        parts = self.table.removeprefix("public."), self.column, self.attribute
        return ".".join(filter(None, parts))

    @property
    def query(self) -> str:
        """How to count the rows that lose data."""
        if not self.column:
            return f"SELECT count(*) FROM {self.table}"
        value = f"({self.column}).{self.attribute}" if self.attribute else self.column
        return f"SELECT count({value}) FROM {self.table}"

    def query_for_type(self, way: str) -> str:
        """How to count the rows whose value is another one after the new type and back: in types, since
        11 and 11.00 are one number and two texts. `way` is one of WAYS."""
        element = self.old_type.partition("[")[0].partition("(")[0]
        compared = COMPARED_AS.get(element, "")
        if compared:
            compared = f"::{compared}{'[]' if self.old_type.endswith('[]') else ''}"
        back = way.format(self.column, self.new_type, self.old_type)
        return (
            f"SELECT count(*) FROM {self.table}"
            f" WHERE ({self.column}){compared} IS DISTINCT FROM ({back}){compared}"
        )


def data_losses(
    before_url: str, after_url: str, before: CatalogObjects, after: CatalogObjects
) -> list[DataLoss]:
    """What the database `after_url`, made from a clone of `before_url`, can no longer hold; `before` and
    `after` are their objects."""
    with closing(connect(before_url, search_path="")) as connection:
        generated = set(connection.execute(GENERATED_COLUMNS).fetchall())
        inside = read_inside(connection)
    losses = []
    if any(inside):
        with closing(connect(after_url, search_path="")) as connection:
            losses = inside_of_columns(inside, read_inside(connection), before)
    for key, obj in before.items():
        remaining = after.get(key)
        is_table = obj.kind == "relation" and obj.type_name == "TABLE"
        if is_table and remaining is None:
            losses.append(DataLoss(obj.parent))
        holds_data = obj.kind == "column" and (obj.oid, obj.number) not in generated
        if holds_data and ("relation", obj.oid, 0) in after:
            if remaining is None:
                losses.append(DataLoss(obj.parent, obj.name))
            elif remaining.type_name != obj.type_name:
                losses.append(DataLoss(obj.parent, obj.name, obj.type_name, remaining.type_name))
    return losses


def read_inside(connection: psycopg.Connection[Any]) -> Inside:
    """What is inside of the columns of a database."""
    bases = {row[:2]: row[2] for row in connection.execute(BASE_TYPES)}
    return Inside(bases, connection.execute(ATTRIBUTES).fetchall())


def inside_of_columns(before: Inside, after: Inside, names: CatalogObjects) -> list[DataLoss]:
    """What columns can no longer hold whose type has kept its name: a domain or a composite type.
    `names` are all objects before."""
    losses = [
        DataLoss(*name_of(names, key), base, after.bases[key])
        for key, base in before.bases.items()
        if base != after.bases.get(key, base)
    ]
    # By their numbers, which a rename leaves; by their names where the type is another one.
    types = {row[:2]: row[2] for row in after.attributes}
    kept = {row[:4] for row in after.attributes} | {(*row[:2], row[4]) for row in after.attributes}
    for *column, of_type, number, name in before.attributes:
        key = (column[0], column[1])
        same_type = types.get(key) == of_type
        if key in types and ((*key, of_type, number) if same_type else (*key, name)) not in kept:
            losses.append(DataLoss(*name_of(names, key), attribute=name))
    return losses


def name_of(names: CatalogObjects, column: tuple[int, int]) -> tuple[str, str]:
    """The table and the name of a column."""
    found = names["column", *column]
    return found.parent, found.name


def find_data_loss(state_url: str, script: str) -> list[DataLoss]:
    """What a script would lose on a database with the schema of the scratch database `state_url`."""
    with scratch_database(state_url) as work_url:
        with closing(connect(work_url, check_function_bodies="off")) as connection:
            connection.execute(script.encode())
        return data_losses(
            state_url, work_url, catalog_objects(state_url), catalog_objects(work_url)
        )


def count_lost_rows(url: str, losses: list[DataLoss], script: str) -> dict[str, str]:
    """Tell how many rows of the database at `url` lose data by a script; the losses with their counts."""
    counted = {}
    with closing(connect(url, default_transaction_read_only="on")) as connection:
        for loss in losses:
            counted[loss.label] = count_rows(connection, loss)
            say(f"rows that lose {loss.label}: {counted[loss.label]}")
    for statement in map(strip_comments, split_statements(script)):
        if CHANGES_ROWS.match(statement) and not FILLS.fullmatch(statement):
            counted["rows"] = shorten(statement)
    return {label: count for label, count in counted.items() if count != "0"}


BACK_UP = "Back the data up, or accept the loss"
ONLY_A_BACKUP = "Only a backup has these values. To go on without them, accept the loss"


def require_accepted(losses: dict[str, str], allow_loss: str | None, cure: str = BACK_UP) -> None:
    """Raise MigrateError (exit code 3) where data is lost that `allow_loss`, names with commas between,
    does not accept."""
    accepted = set(split_at_commas(allow_loss or ""))
    not_accepted = {label: count for label, count in losses.items() if label not in accepted}
    if not_accepted:
        lines = "\n".join(f"  {label}: {count}" for label, count in not_accepted.items())
        raise MigrateError(
            f"data loss, in rows:\n{lines}\nNothing was changed. {cure}:"
            f" {project.option('allow-loss', ','.join(not_accepted))}",
            Exit.REFUSED,
        )


def count_rows(connection: psycopg.Connection[Any], loss: DataLoss) -> str:
    """How many rows lose data, in words if the server cannot count them."""
    for query in [loss.query_for_type(way) for way in WAYS] if loss.new_type else [loss.query]:
        try:
            [row] = connection.execute(query.encode()).fetchall()
        except (errors.DataError, errors.CheckViolation) as error:
            return f"some do not fit into {loss.new_type} ({str(error).splitlines()[0]})"
        except errors.CannotCoerce:
            continue  # but through text, perhaps: from one enum to another
        except (errors.UndefinedObject, errors.UndefinedFunction):
            break  # the script creates the type; nothing says which values it will have
        return str(row[0])
    [row] = connection.execute(loss.query.encode()).fetchall()
    return f"{row[0]} may not fit into {loss.new_type}" if row[0] else "0"
