"""Rows for the copies that scripts are proven on: made up, and compared before and after.

Equal dumps say nothing about what a database holds beside its schema: the values, and the positions of
sequences. So a copy gets a few rows in each table, as far as its constraints let them in, and its
sequences are advanced.
"""

import re
from contextlib import closing
from typing import Any, NamedTuple

import psycopg

from modelmigrate.planning.contents import SEQUENCES, force_policies
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.execute import try_execute
from modelmigrate.schema.catalog import USER_SCHEMAS
from modelmigrate.sql.names import literal

ROWS = 3  # in each table
ATTEMPTS = 10  # for a row, since a check or a unique key may want other values
MAX_TABLES = 100  # beyond which filling them all would take longer than it tells
POSITION = 1_000_001  # of every sequence
TABLES = f"""
    SELECT c.oid, format('%I.%I', n.nspname, relname), ARRAY(
        SELECT confrelid FROM pg_constraint
        WHERE contype = 'f' AND conrelid = c.oid AND confrelid <> c.oid), relforcerowsecurity
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE {USER_SCHEMAS} AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY c.oid"""
# Those that may be NULL, or have a default, are so in each third row alone: a value that is lost must not
# look like one that is not.
COLUMNS = """
    SELECT quote_ident(attname), attnum, format_type(atttypid, atttypmod), b.typname, b.typcategory::text,
           attnotnull, attidentity <> '' OR coalesce(pg_get_expr(adbin, adrelid) LIKE 'nextval(%%', false),
           atthasdef,
           ARRAY(SELECT quote_literal(enumlabel) FROM pg_enum WHERE enumtypid = b.oid
                 ORDER BY enumsortorder)
    FROM pg_attribute
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    JOIN pg_type t ON t.oid = atttypid
    JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
    WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"""
REFERENCES = """
    SELECT unnest(conkey), confrelid::regclass::text, (
        SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = confrelid AND attnum = unnest)
    FROM (SELECT conkey, confrelid, unnest(confkey) FROM pg_constraint
          WHERE contype = 'f' AND conrelid = %s) AS keys"""
CHECKS = """
    SELECT pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'c' AND (conrelid = %s OR contypid IN
        (SELECT atttypid FROM pg_attribute WHERE attrelid = %s))"""
# A value of each type, by its name or else by its category; the number is from 1 to 9.
VALUES = {
    "numeric": "{0}.25", "float4": "{0}.25", "float8": "{0}.25", "bool": "({0} % 2 = 0)", "uuid": "gen_random_uuid()", "json": "'{{}}'", "jsonb": "'{{}}'",
    "bytea": "'\\x0{0}'", "xml": "'<a/>'", "bit": "'0'", "varbit": "'0'", "tsvector": "'a'",
    "tsquery": "'a'", "macaddr": "'08:00:2b:01:02:0{0}'", "point": "'({0},0)'", "time": "'0{0}:00'",
    "timetz": "'0{0}:00+00'", "box": "'({0},1),(0,0)'", "circle": "'<(0,0),{0}>'", "hstore": "''",
    "path": "'((0,0),({0},1))'", "polygon": "'((0,0),({0},1))'", "lseg": "'((0,0),({0},1))'",
    "line": "'{{1,{0},0}}'", "ltree": "'a.b{0}'",
}  # fmt: skip
VALUES_OF_CATEGORY = {
    "N": "{0}", "S": "'text {0}'", "D": "'2024-01-0{0} 0{0}:02:03.456'", "T": "'{0} hours'", "I": "'10.0.0.{0}'",
    "A": "'{{}}'", "R": "'empty'", "U": "'{0}'",
}  # fmt: skip


class Column(NamedTuple):
    """A column for which a value is made up."""

    name: str
    number: int
    type_name: str
    base_type: str
    category: str
    required: bool
    is_numbered: bool
    """By a sequence."""
    has_default: bool
    enum_values: list[str]


def fill_with_rows(url: str, only: set[str] | None = None) -> None:
    """Put a few rows into the tables of a scratch database, and advance its sequences. A table stays
    empty where its constraints let none of the values in that were tried.

    Args:
        url: Of the scratch database.
        only: The tables, named with their schemas and quoted, if not all; those that they refer to
            get rows, too. With none of them, nothing is done.
    """
    if only is not None and not only:
        return
    with closing(connect(url)) as connection:
        for *_, sequence in connection.execute(SEQUENCES.encode()).fetchall():
            advance = f"SELECT setval({literal(sequence)}, greatest(last_value, {POSITION})) FROM {sequence}"
            try_execute(connection, advance)
        found = {oid: rest for oid, *rest in connection.execute(TABLES.encode())}
        forced = [name for name, _, is_forced in found.values() if is_forced]
        force_policies(connection, forced, "NO FORCE")
        chosen = [oid for oid, (name, *_) in found.items() if only is None or name in only]
        for oid in chosen:  # which grows meanwhile
            chosen += [each for each in found[oid][1] if each in found and each not in chosen]
        waiting = {oid: (found[oid][0], set(found[oid][1])) for oid in chosen[:MAX_TABLES]}
        while waiting:
            ready = [oid for oid, (_, needed) in waiting.items() if not needed & waiting.keys()]
            # Tables that refer to one another come as they are: what may be NULL is.
            for oid in ready or list(waiting)[:1]:
                fill_table(connection, oid, waiting.pop(oid)[0])
        force_policies(connection, forced, "FORCE")


def delete_rows(url: str) -> None:
    """Empty all tables of a scratch database."""
    with closing(connect(url)) as connection:
        tables = [table for _, table, *_ in connection.execute(TABLES.encode())]
        if tables:
            connection.execute(f"TRUNCATE {', '.join(tables)} CASCADE".encode())


def fill_table(connection: psycopg.Connection[Any], oid: int, table: str) -> None:
    """Put up to ROWS rows into a table."""
    columns = [Column(*row) for row in connection.execute(COLUMNS, [oid])]
    parents = {number: rest for number, *rest in connection.execute(REFERENCES, [oid])}
    checks = " ".join(text for (text,) in connection.execute(CHECKS, [oid, oid]))
    inserted = attempts = 0
    while inserted < ROWS and attempts < ROWS * ATTEMPTS:
        attempts += 1
        values = {}
        for column in columns:
            if column.number in parents:
                parent, key = parents[column.number]
                row = f"ORDER BY ctid OFFSET {inserted} LIMIT 1"
                values[column.name] = f"(SELECT {key} FROM {parent} {row})"
            elif not column.is_numbered and (
                attempts % 3 or (column.required and not column.has_default)
            ):
                values[column.name] = made_up(column, attempts, checks)
        names, made = ", ".join(values), ", ".join(values.values())
        row = f"({names}) VALUES ({made})" if values else "DEFAULT VALUES"
        inserted += try_execute(connection, f"INSERT INTO {table} {row}") is None


def made_up(column: Column, attempt: int, checks: str) -> str:
    """A value for a column: of its type; from the second attempt on one that a check of the table
    speaks of, or one near to that."""
    number = (attempt - 1) % 9 + 1
    if column.enum_values:
        return column.enum_values[attempt % len(column.enum_values)]
    form = VALUES.get(column.base_type) or VALUES_OF_CATEGORY.get(column.category, "'{0}'")
    candidates = [form.format(number)]
    numbers = re.findall(r"(?<![\w.'])\d+(?:\.\d+)?(?![\w.'])", checks)
    if column.category == "S":
        candidates += re.findall(r"'(?:[^']|'')*'", checks)
        candidates += [f"'{'x' * min(int(float(each)), 99)}{number}'" for each in numbers]
    elif column.category == "N":
        candidates += [f"{each} + {step}" for each in numbers for step in (0, number, -number)]
    # Columns go through their candidates at different speeds, so that many combinations are tried.
    chosen = (attempt - 1) * (column.number % 3 + 1) % len(candidates)
    return f"({candidates[chosen]})::{column.type_name}"
