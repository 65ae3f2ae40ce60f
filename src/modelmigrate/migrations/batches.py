"""The statements of a backfill: what people typed of them, told from what is ours, and read by PostgreSQL
before any of it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError

Key = tuple[str, ...]  # the values of a row's key, as text

BATCH = "modelmigrate_batch"  # no name that --set or --where may mean
TABLE = """
    SELECT c.oid, format('%I.%I', nspname, relname), format('%I', relname), relkind IN ('r', 'p')
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = to_regclass($1)"""
# Of the primary key, or else of a unique index that no row is left out of and no two NULLs are in.
KEY = """
    SELECT format('%I', attname), format_type(atttypid, atttypmod)
    FROM (SELECT indrelid, indkey::int2[] AS numbers, indnkeyatts
          FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_am am ON am.oid = relam
          WHERE indrelid = $1::oid AND indisunique AND indisvalid AND amname = 'btree'
            AND indpred IS NULL AND indexprs IS NULL
            AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = indrelid AND NOT attnotnull
                            AND attnum = ANY ((indkey::int2[])[0:indnkeyatts - 1]))
          ORDER BY indisprimary DESC, indnkeyatts LIMIT 1) AS key
    CROSS JOIN unnest(numbers) WITH ORDINALITY AS part (number, place)
    JOIN pg_attribute ON attrelid = indrelid AND attnum = number
    WHERE place <= indnkeyatts ORDER BY place"""


class Backfill(NamedTuple):
    """Which rows are updated, and how. Names have quotes where they need them."""

    oid: int
    table: str
    """With its schema."""
    columns: list[str]
    """Of its key, each with the table's name: users.id."""
    types: list[str]
    """Of these columns."""
    assignments: str
    condition: str
    size: int
    """Rows of a batch."""

    @property
    def matches(self) -> str:
        """The condition, the end of which may be a comment. Within CASE the planner can make nothing of
        it: a wrong estimate, usual of a new column, would have it scan the table for each batch."""
        return f"CASE WHEN ({self.condition}\n) THEN true END"

    @property
    def key_as_text(self) -> str:
        """The columns of the key, as texts that PostgreSQL reads back as the same values."""
        return ", ".join(f"CAST({column} AS text)" for column in self.columns)

    @property
    def batch(self) -> str:
        """The keys of a batch as a relation; each parameter has the values of one column."""
        numbers = range(1, len(self.columns) + 1)
        values = ", ".join(f"CAST(${number} AS text[])" for number in numbers)
        return f"unnest({values}) AS {BATCH} ({', '.join(f'{BATCH}_{n}' for n in numbers)})"

    @property
    def in_batch(self) -> str:
        """Whether a row of the table is one of the batch."""
        pairs = enumerate(zip(self.columns, self.types, strict=True), 1)
        return " AND ".join(f"{name} = CAST({BATCH}_{n} AS {kind})" for n, (name, kind) in pairs)

    @property
    def matching(self) -> str:
        """How many rows match."""
        return f"SELECT count(*) FROM {self.table} WHERE ({self.condition}\n)"

    @property
    def update(self) -> str:
        """Update the rows of a batch that match still; their keys."""
        return (
            f"UPDATE {self.table} SET {self.assignments}\nFROM {self.batch}\nWHERE {self.in_batch}"
            f"\n  AND {self.matches}\nRETURNING {self.key_as_text}"
        )

    @property
    def still_matching(self) -> str:
        """How many rows of a batch match, and the key of one of them."""
        return (
            f"SELECT count(*) OVER (), {self.key_as_text} FROM {self.table} JOIN {self.batch}"
            f" ON {self.in_batch} WHERE {self.matches} LIMIT 1"
        )

    def next_keys(self, last: Key) -> str:
        """The keys of the next batch; its parameters are the last key of the one before, if any."""
        columns = ", ".join(self.columns)
        values = ", ".join(f"CAST(${n} AS {kind})" for n, kind in enumerate(self.types, 1))
        behind = f"({columns}) > ({values}) AND " if last else ""
        return (
            f"SELECT {self.key_as_text} FROM {self.table} WHERE {behind}{self.matches}"
            f" ORDER BY {columns} LIMIT {self.size}"
        )

    def describe(self, keys: list[Key]) -> str:
        """These rows, for people."""
        first, last = (", ".join(key) for key in (keys[0], keys[-1]))
        names = ", ".join(self.columns)
        return f"{names} = {first}" if first == last else f"{names} from ({first}) to ({last})"


def prepare(
    connection: psycopg.Connection[Any], table: str, assignments: str, condition: str, size: int
) -> Backfill:
    """Find the table and its key, and let PostgreSQL read the statements, which are not run.

    Raises:
        MigrateError: what it does not accept.
    """
    with blamed_on(f"table {table!r}"):
        found = run_one(connection, TABLE, table)
    if not found:
        raise MigrateError(
            f"there is no table {table!r}. Nothing was changed. See {project.command('inspect')}"
        )
    [(oid, name, short_name, is_table)] = found
    if not is_table:
        raise MigrateError(f"{name} is no table. Nothing was changed. Name the table behind it.")
    key = run_one(connection, KEY, oid)
    if not key:
        raise MigrateError(
            f"{name} has neither a primary key nor a unique index of columns that are NOT NULL, so there"
            " is no order to update its rows in. Nothing was changed. Add one first.",
            Exit.REFUSED,
        )
    columns = [f"{short_name}.{column}" for column, _ in key]
    types = [type_name for _, type_name in key]
    backfill = Backfill(oid, name, columns, types, assignments, condition, size)
    where, assigned = project.option("where", condition), project.option("set", assignments)
    # What is no whole condition or list of assignments by itself could get out of its parentheses.
    with blamed_on(where):
        run_one(connection, f"EXPLAIN SELECT FROM {name} WHERE {condition}")
    with blamed_on(assigned):
        run_one(connection, f"EXPLAIN UPDATE {name} SET {assignments}")
    with blamed_on(f"{assigned} {where}"):
        run_one(connection, f"EXPLAIN {backfill.update}", *([] for _ in key))
    return backfill


def run_one(connection: psycopg.Connection[Any], statement: str, *values: object) -> list[Any]:
    """Run a statement, with values for its $1 and so on; its rows.

    It holds what people typed, so it is always sent by the extended protocol, which refuses several
    statements; a result in binary is what has psycopg use that.
    """
    cursor = psycopg.RawCursor(connection)
    cursor.execute(statement.encode(), values, binary=True)
    return cursor.fetchall() if cursor.description else []


def column_values(keys: list[Key]) -> list[list[str]]:
    """Keys as the parameters of a batch."""
    return [list(values) for values in zip(*keys, strict=True)]


@contextmanager
def blamed_on(what: str) -> Iterator[None]:
    """Meanwhile, what PostgreSQL does not accept is an error in `what`."""
    try:
        yield
    except psycopg.Error as error:
        raise MigrateError(
            f"{what}: {first_line(error)}\nNothing was changed. Correct it, then repeat the command."
        ) from None


def first_line(error: psycopg.Error) -> str:
    """What PostgreSQL says, without the details, which have the values of a row."""
    return error.diag.message_primary or str(error).partition("\n")[0]
