"""What a new migration drops since no model declares it, and how many rows the developer has in it."""

from collections.abc import Callable
from contextlib import closing, suppress
from typing import NamedTuple

import psycopg
from psycopg.sql import SQL, Identifier

from modelmigrate.errors import MigrateError
from modelmigrate.planning.renames import Rename, table_columns
from modelmigrate.postgres.connection import connect, given_url
from modelmigrate.postgres.environments import LOCAL, development_url
from modelmigrate.postgres.server import is_running

Count = Callable[["Dropped"], str]


class Dropped(NamedTuple):
    """A table, or a column of one; by the names that the database has now."""

    table: str
    column: str = ""

    @property
    def title(self) -> str:
        return (
            f"the column {self.table}.{self.column}" if self.column else f"the table {self.table}"
        )


def notes_on_dropped(current_url: str, desired_url: str, renames: list[Rename]) -> list[str]:
    """A note on each table and column that goes, with its rows where the local database is up."""
    current, desired = table_columns(current_url), table_columns(desired_url)
    new_tables = {each.old: each.new for each in renames if not each.table}
    new_columns = {(each.table, each.old): each.new for each in renames if each.table}
    dropped = []
    for table, columns in current.items():
        new_table = new_tables.get(table, table)
        if new_table not in desired:
            dropped.append(Dropped(table))
            continue
        dropped += [
            Dropped(table, column)
            for column in columns
            if new_columns.get((new_table, column), column) not in desired[new_table]
        ]
    counts = count_in_local(dropped) if dropped else {}
    return [
        f"note: drops {each.title}, which no model declares{counts.get(each, '')}"
        for each in dropped
    ]


def count_in_local(dropped: list[Dropped]) -> dict[Dropped, str]:
    """How many rows of the local database have each of these; none of them where it is not up, or does
    not answer soon."""
    counts: dict[Dropped, str] = {}
    try:
        if not given_url() and not is_running("dev"):
            return {}
        url = development_url()
        settings = {"default_transaction_read_only": "on", "statement_timeout": "2s"}
        with closing(connect(url, **settings)) as connection:
            for each in dropped:
                with suppress(psycopg.Error):  # such as a table that it does not have yet
                    row = connection.execute(query(each)).fetchone()
                    count = row[0] if row else 0
                    counts[each] = f" ({count} row{'' if count == 1 else 's'} in {LOCAL})"
    except (MigrateError, psycopg.Error, OSError):
        pass  # it is a remark, and no reason to write no migration
    return counts


def query(dropped: Dropped) -> "SQL | psycopg.sql.Composed":
    """The number of rows of a table, or of those that have a value in a column."""
    what = Identifier(dropped.column) if dropped.column else SQL("*")
    return SQL("SELECT count({}) FROM {}").format(what, Identifier("public", dropped.table))
