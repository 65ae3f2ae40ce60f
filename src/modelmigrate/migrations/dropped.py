"""What a new migration drops since no model declares it, and how many rows the developer has in it."""

from contextlib import closing, suppress
from typing import NamedTuple

import psycopg

from modelmigrate.errors import MigrateError
from modelmigrate.planning.renames import Names, Rename, shown, shown_part
from modelmigrate.postgres.connection import connect, given_url
from modelmigrate.postgres.environments import LOCAL, development_url
from modelmigrate.postgres.server import is_running


class Dropped(NamedTuple):
    """A table, or a column of one, by the names that the database has now; quoted."""

    table: str
    column: str = ""

    @property
    def title(self) -> str:
        table = shown(self.table)
        return (
            f"the column {table}.{shown_part(self.column)}" if self.column else f"the table {table}"
        )

    @property
    def query(self) -> str:
        """The number of rows of the table, or of those that have a value in the column."""
        return f"SELECT count({self.column or '*'}) FROM {self.table}"


def notes_on_dropped(names: Names, desired_names: Names, renames: list[Rename]) -> list[str]:
    """A note on each table and column that goes, with its rows where the local database is up."""
    desired = {
        shown(table): set(map(shown_part, columns))
        for table, columns in desired_names.columns.items()
    }
    new_tables = {each.old_name: each.new_name for each in renames if each.what == "table"}
    new_columns = {(each.parent, each.old): each.new for each in renames if each.what == "column"}
    dropped = []
    for table, columns in names.columns.items():
        new_table = new_tables.get(shown(table), shown(table))
        if new_table not in desired:
            dropped.append(Dropped(table))
            continue
        dropped += [
            Dropped(table, column)
            for column in columns
            if new_columns.get((new_table, shown_part(column)), shown_part(column))
            not in desired[new_table]
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
                    row = connection.execute(each.query.encode()).fetchone()
                    count = row[0] if row else 0
                    counts[each] = f" ({count} row{'' if count == 1 else 's'} in {LOCAL})"
    except (MigrateError, psycopg.Error, OSError):
        pass  # it is a remark, and no reason to write no migration
    return counts
