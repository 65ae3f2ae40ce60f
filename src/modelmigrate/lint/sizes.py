"""How many rows and bytes the tables of a database have, by PostgreSQL's own estimate."""

from contextlib import closing
from typing import NamedTuple

from modelmigrate.postgres.connection import connect

SIZES = """
    SELECT format('%I.%I', nspname, relname), greatest(reltuples, 0)::bigint, pg_total_relation_size(c.oid),
           reltuples < 0
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
        sizes = {}
        for name, count, size, unknown in rows:
            if unknown:  # never analyzed: a small one is counted, a large one is taken for large
                some = f"SELECT count(*) FROM (SELECT FROM {name} LIMIT 100000) AS some"
                [(count,)] = connection.execute(some.encode()).fetchall()
            sizes[name] = Size(count, size)
    return sizes
