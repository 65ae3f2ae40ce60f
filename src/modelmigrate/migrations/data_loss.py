"""What a script would take from rows, and how many rows that are."""

import re
from contextlib import closing
from typing import Any, NamedTuple

import psycopg
from psycopg import errors

from modelmigrate.errors import Exit, MigrateError
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.catalog import catalog_objects
from modelmigrate.sql.statements import shorten, split_statements, strip_comments

CHANGES_ROWS = re.compile(r"\A(TRUNCATE|DELETE|UPDATE)\b", re.IGNORECASE)
GENERATED_COLUMNS = "SELECT attrelid, attnum FROM pg_attribute WHERE attgenerated <> ''"


class DataLoss(NamedTuple):
    """What rows lose: a table, a column, or what does not fit into a column's new type."""

    table: str
    column: str = ""
    old_type: str = ""
    new_type: str = ""

    @property
    def label(self) -> str:
        """As `allow-loss=` names it."""
        return f"{self.table.removeprefix('public.')}{'.' if self.column else ''}{self.column}"

    @property
    def query(self) -> str:
        """How to count the rows that lose something."""
        if not self.column:
            return f"SELECT count(*) FROM {self.table}"
        column = self.column
        if not self.new_type:
            return f"SELECT count({column}) FROM {self.table}"
        back = f"{column}::text::{self.new_type}::text::{self.old_type}"
        return f"SELECT count(*) FROM {self.table} WHERE {column} IS DISTINCT FROM {back}"


def data_losses(before: str, after: str) -> list[DataLoss]:
    """What `after`, made from a clone of `before`, can no longer hold."""
    old, new = catalog_objects(before), catalog_objects(after)
    with closing(connect(before)) as connection:
        computed = set(connection.execute(GENERATED_COLUMNS).fetchall())
    found = []
    for key, obj in old.items():
        now = new.get(key)
        is_table = obj.kind == "relation" and obj.type_name == "TABLE"
        if is_table and now is None:
            found.append(DataLoss(obj.parent))
        holds_values = obj.kind == "column" and (obj.oid, obj.number) not in computed
        if holds_values and ("relation", obj.oid, 0) in new:
            if now is None:
                found.append(DataLoss(obj.parent, obj.name))
            elif now.type_name != obj.type_name:
                found.append(DataLoss(obj.parent, obj.name, obj.type_name, now.type_name))
    return found


def find_data_loss(state: str, script: str) -> list[DataLoss]:
    """What a script takes away from the database that was cloned into the scratch database."""
    with scratch_database(state) as work:
        with closing(connect(work, check_function_bodies="off")) as connection:
            connection.execute(script.encode())
        return data_losses(state, work)


def count_lost_rows(
    url: str, lost: list[DataLoss], script: str, allowed: str | None
) -> dict[str, str]:
    """Tell how many rows of the database at `url` a script would empty, retype or drop; those that
    `allowed`, names with commas between, does not give up."""
    given_up = set((allowed or "").replace(" ", "").split(","))
    counted = {}
    with closing(connect(url, default_transaction_read_only="on")) as connection:
        for loss in lost:
            counted[loss.label] = count_rows(connection, loss)
            print(f"rows that lose {loss.label}: {counted[loss.label]}", flush=True)
    for statement in map(strip_comments, split_statements(script)):
        if CHANGES_ROWS.match(statement):
            counted["rows"] = shorten(statement)
    return {
        label: count for label, count in counted.items() if count != "0" and label not in given_up
    }


def require_accepted(counted: dict[str, str]) -> None:
    """Raise MigrateError (exit code 3) for what rows would lose against somebody's will."""
    if counted:
        listing = "\n".join(f"  {label}: {count}" for label, count in counted.items())
        raise MigrateError(
            f"rows would lose values:\n{listing}\nNothing was changed. Save them first, or give"
            f" them up: allow-loss={','.join(counted)}",
            Exit.REFUSED,
        )


def count_rows(connection: psycopg.Connection[Any], loss: DataLoss) -> str:
    """How many rows lose something, in words if the server cannot count them."""
    try:
        row = connection.execute(loss.query.encode()).fetchone()
    except errors.DataError as error:
        return f"some do not fit into {loss.new_type} ({str(error).splitlines()[0]})"
    except psycopg.Error:
        row = connection.execute(loss._replace(new_type="").query.encode()).fetchone()
        return f"{row[0]} may not fit into {loss.new_type}" if row and row[0] else "0"
    return str(row[0]) if row else "0"
