"""What a script would take from rows, and how many rows that are."""

import re
from contextlib import closing
from typing import Any, NamedTuple

import psycopg
from psycopg import errors

from modelmigrate.errors import Exit, ToolError
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.catalog import things
from modelmigrate.sql.statements import code, in_short, split

ROWS_GO = re.compile(r"\A(TRUNCATE|DELETE|UPDATE)\b", re.IGNORECASE)
COMPUTED = "SELECT attrelid, attnum FROM pg_attribute WHERE attgenerated <> ''"


class Loss(NamedTuple):
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


def losses(before: str, after: str) -> list[Loss]:
    """What `after`, made from a clone of `before`, can no longer hold."""
    old, new = things(before), things(after)
    with closing(connect(before)) as connection:
        computed = set(connection.execute(COMPUTED).fetchall())
    found = []
    for key, thing in old.items():
        now = new.get(key)
        is_table = thing.kind == "relation" and thing.detail == "TABLE"
        if is_table and now is None:
            found.append(Loss(thing.owner))
        holds_values = thing.kind == "column" and (thing.oid, thing.number) not in computed
        if holds_values and ("relation", thing.oid, 0) in new:
            if now is None:
                found.append(Loss(thing.owner, thing.name))
            elif now.detail != thing.detail:
                found.append(Loss(thing.owner, thing.name, thing.detail, now.detail))
    return found


def lost_rows(state: str, script: str) -> list[Loss]:
    """What a script takes away from the database that was cloned into the scratch database."""
    with scratch_database(state) as work:
        with closing(connect(work, check_function_bodies="off")) as connection:
            connection.execute(script.encode())
        return losses(state, work)


def count_losses(url: str, lost: list[Loss], script: str, allowed: str | None) -> dict[str, str]:
    """Tell how many rows of the database at `url` a script would empty, retype or drop; those that
    `allowed`, names with commas between, does not give up."""
    given_up = set((allowed or "").replace(" ", "").split(","))
    counted = {}
    with closing(connect(url, default_transaction_read_only="on")) as connection:
        for loss in lost:
            counted[loss.label] = rows_lost(connection, loss)
            print(f"rows that lose {loss.label}: {counted[loss.label]}", flush=True)
    for statement in map(code, split(script)):
        if ROWS_GO.match(statement):
            counted["rows"] = in_short(statement)
    return {
        label: count for label, count in counted.items() if count != "0" and label not in given_up
    }


def require_given_up(counted: dict[str, str]) -> None:
    """Raise ToolError (exit code 3) for what rows would lose against somebody's will."""
    if counted:
        listing = "\n".join(f"  {label}: {count}" for label, count in counted.items())
        raise ToolError(
            f"rows would lose values:\n{listing}\nNothing was changed. Save them first, or give"
            f" them up: allow-loss={','.join(counted)}",
            Exit.REFUSED,
        )


def rows_lost(connection: psycopg.Connection[Any], loss: Loss) -> str:
    """How many rows lose something, in words if the server cannot count them."""
    try:
        row = connection.execute(loss.query.encode()).fetchone()
    except errors.DataError as error:
        return f"some do not fit into {loss.new_type} ({str(error).splitlines()[0]})"
    except psycopg.Error:
        row = connection.execute(loss._replace(new_type="").query.encode()).fetchone()
        return f"{row[0]} may not fit into {loss.new_type}" if row and row[0] else "0"
    return str(row[0]) if row else "0"
