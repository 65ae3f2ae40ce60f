"""How many rows and bytes the tables of a database have, by PostgreSQL's own estimate."""

from contextlib import closing
from typing import NamedTuple

from modelmigrate.postgres.connection import connect

# Of a table that was never analyzed, the rows are guessed from its bytes: it may be one of many rows.
SIZES = """
    SELECT format('%I.%I', nspname, relname),
           (CASE WHEN reltuples < 0 THEN pg_relation_size(c.oid) / 64 ELSE reltuples END)::bigint,
           pg_total_relation_size(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'm') AND nspname !~ '^pg_' AND nspname <> 'information_schema'"""
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


class Size(NamedTuple):
    """Of a table, with its indexes."""

    rows: int
    bytes: int

    def __str__(self) -> str:
        size, unit = float(self.bytes), 0
        while size >= 1024 and unit < len(UNITS) - 1:
            size, unit = size / 1024, unit + 1
        return f"{self.rows:,} rows, {size:.3g} {UNITS[unit]}"


def read_sizes(url: str) -> dict[str, Size]:
    """The size of each table, by its name with its schema.

    Raises:
        MigrateError: there is no connection.
    """
    with closing(connect(url)) as connection:
        rows = connection.execute(SIZES.encode()).fetchall()
    return {name: Size(count, size) for name, count, size in rows}
