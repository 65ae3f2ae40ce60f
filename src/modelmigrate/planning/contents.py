"""What a database holds beside its schema, compared before and after: values, and positions of sequences."""

from collections.abc import Iterable
from contextlib import closing
from typing import Any, NamedTuple

import psycopg

from modelmigrate.postgres.connection import connect
from modelmigrate.schema.catalog import USER_SCHEMAS

SEQUENCES = f"""
    SELECT coalesce(refobjid, s.oid)::bigint, coalesce(refobjsubid, 0), format('%I.%I', nspname, relname)
    FROM pg_class s JOIN pg_namespace n ON n.oid = relnamespace
    JOIN pg_sequence ON seqrelid = s.oid AND seqincrement > 0
    LEFT JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass
        AND d.refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i') AND refobjsubid > 0
    WHERE {USER_SCHEMAS} AND relkind = 'S'"""
HELD = f"""
    SELECT c.oid::bigint, format('%I.%I', n.nspname, relname), array_agg(attnum),
           array_agg(quote_ident(attname)), array_agg(format_type(atttypid, atttypmod)),
           c.relkind = 'p' OR pg_relation_size(c.oid) > 0, c.relforcerowsecurity,
           CASE c.relkind WHEN 'r' THEN 'ONLY' ELSE '' END
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE {USER_SCHEMAS} AND relkind IN ('r', 'p') AND NOT relispartition AND attnum > 0
        AND NOT attisdropped AND attgenerated = '' GROUP BY c.oid, 2"""
LABELS = "SELECT oid::bigint, format_type(enumtypid, NULL), enumlabel FROM pg_enum"


class Contents(NamedTuple):
    """What a database holds beside its schema."""

    values: dict[tuple[int, int, str], list[str]]
    """Of each column, by the oid of its table, its number and its type: as text, sorted."""
    positions: dict[tuple[int, int], int]
    """Of each sequence, by the table and column that it belongs to, or by its own oid and 0."""
    names: dict[tuple[int, int], str]
    """What the columns and sequences are called."""
    labels: dict[int, tuple[str, str]]
    """The type and the text of each value of an enum, by its oid, which a rename leaves."""


def read_contents(url: str) -> Contents:
    """The values and the positions of sequences in a database."""
    values: dict[tuple[int, int, str], list[str]] = {}
    positions: dict[tuple[int, int], int] = {}
    names: dict[tuple[int, int], str] = {}
    with closing(connect(url, search_path="")) as connection:
        found = connection.execute(HELD.encode()).fetchall()
        forced = [each[1] for each in found if each[-2] and each[-3]]
        force_policies(connection, forced, "NO FORCE")
        held = values_of([each for each in found if each[5]], connection)
        for oid, table, numbers, columns, types, *_ in found:
            lists = held.get(oid) or [[]] * len(columns)
            for number, column, type_name, values_held in zip(
                numbers, columns, types, lists, strict=True
            ):
                values[oid, number, type_name] = values_held
                names[oid, number] = f"{table}.{column}"
        sequences = connection.execute(SEQUENCES.encode()).fetchall()
        last_values = (f"SELECT {n}, last_value FROM {each[2]}" for n, each in enumerate(sequences))
        for number, position in execute_union(connection, last_values):
            oid, part, sequence = sequences[number]
            positions[oid, part] = position
            names.setdefault((oid, part), sequence)
        labels = {oid: (name, label) for oid, name, label in connection.execute(LABELS)}
        force_policies(connection, forced, "FORCE")
    return Contents(values, positions, names, labels)


def values_of(
    tables: list[tuple[Any, ...]], connection: psycopg.Connection[Any]
) -> dict[int, list[list[str]]]:
    """The values in each column of these rows of HELD, by the oids of the tables: as text, sorted."""
    queries = []
    for oid, table, _, columns, *_, only in tables:
        parts = (f"coalesce({each}::text, 'NULL')" for each in columns)
        lists = (f'array_agg({each} ORDER BY {each} COLLATE "C")' for each in parts)
        queries.append(
            f"SELECT {oid}, ARRAY[{', '.join(lists)}] FROM {only} {table} HAVING count(*) > 0"
        )
    return dict(execute_union(connection, queries))


def execute_union(
    connection: psycopg.Connection[Any], queries: Iterable[str]
) -> list[tuple[Any, ...]]:
    """The rows of all of these queries, which may be none."""
    query = " UNION ALL ".join(queries)
    return connection.execute(query.encode()).fetchall() if query else []


def what_was_lost(before: Contents, after: Contents) -> list[str]:
    """The columns that are in both but have other values, the sequences that were set back, and those
    that a column's values are ahead of."""
    renamed = {
        before.labels[oid]: after.labels[oid][1] for oid in before.labels.keys() & after.labels
    }

    def expected(type_name: str, held: list[str]) -> list[str]:
        return sorted(renamed.get((type_name, value), value) for value in held)

    values = [
        f"the values of {before.names[key[:2]]} are not what they were"
        for key, held in before.values.items()
        if key in after.values and sorted(after.values[key]) != expected(key[2], held)
    ]
    reached = before.positions | {
        (oid, number): max(map(int, held))
        for (oid, number, type_name), held in after.values.items()
        if held and type_name in ("smallint", "integer", "bigint") and "NULL" not in held
    }
    positions = [
        f"the sequence of {after.names[key]} is at {position}, not at {reached[key]}: the next insert"
        " would fail with a duplicate key"
        for key, position in after.positions.items()
        if position < reached.get(key, position)
    ]
    return values + positions


def not_the_same(before: Contents, after: Contents) -> list[tuple[int, int]]:
    """The columns, by the oids of their tables and their numbers, whose values `after` does not have in
    the column of the same name; those of a table that has another number of rows with 0 for a number."""
    held_again = {after.names[key[:2]]: held for key, held in after.values.items()}
    found: dict[tuple[int, int], None] = {}
    for (oid, number, _), held in before.values.items():
        again = held_again.get(before.names[oid, number], [])
        if len(again) != len(held):
            found[oid, 0] = None
        elif again != held:
            found[oid, number] = None
    return list(found)


def still_there(before: Contents, after: Contents) -> Contents:
    """The part of the contents before a migration that it has left as it was."""
    return before._replace(
        values={key: held for key, held in before.values.items() if after.values.get(key) == held},
        positions={key: at for key, at in before.positions.items() if key in after.positions},
    )


def force_policies(connection: psycopg.Connection[Any], tables: list[str], force: str) -> None:
    """Let the policies of tables count for their owner, too (`FORCE`), or not: copies belong to whoever
    plans, and all of their rows are to be seen."""
    for table in tables:
        connection.execute(f"ALTER TABLE {table} {force} ROW LEVEL SECURITY".encode())
