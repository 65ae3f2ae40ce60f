"""The tables of a live schema, read from the JSON of `atlas schema inspect`."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

from modelmigrate.inspect.model import Column, Reference, Table
from modelmigrate.postgres.connection import connect
from modelmigrate.schema.catalog import USER_SCHEMAS
from modelmigrate.schema.namespaces import PUBLIC
from modelmigrate.sql.names import label_part

# Atlas says ARRAY and USER-DEFINED where PostgreSQL knows more.
TYPES = f"""
    SELECT nspname, relname, attname, format_type(atttypid, atttypmod)
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE {USER_SCHEMAS} AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped"""
# The short names of types, which PostgreSQL understands, too.
SHORT = (
    (r"^character varying\b", "varchar"),
    (r"^bit varying\b", "varbit"),
    (r"^character\b", "char"),
    (r"^(timestamp|time)(\(\d\))? with time zone", r"\1tz\2"),
    (r"^(timestamp|time)(\(\d\))? without time zone", r"\1\2"),
)
Types = Mapping[tuple[str, str, str], str]
"""The types of columns, by schema, table and column."""
ForeignKeys = Mapping[tuple[str, str, str], tuple[str, str]]
"""The schema and the name of the table that a foreign key refers to, by those of its own and its name."""


def read_types(url: str) -> Types:
    """The types of all columns, as PostgreSQL prints them, in their short form."""
    with closing(connect(url, search_path="public")) as connection:
        rows = connection.execute(TYPES.encode()).fetchall()
    return {(schema, table, column): short_type(name) for schema, table, column, name in rows}


def short_type(name: str) -> str:
    """A type with the name that people write: `varchar(40)[]`, `timestamptz`."""
    for pattern, replacement in SHORT:
        name = re.sub(pattern, replacement, name)
    return name


def parse_tables(text: str, types: Types, foreign_keys: ForeignKeys) -> list[Table]:
    """The tables in Atlas's JSON by name, and after them those of other schemas that they refer to.
    Atlas does not say in which schema it is that a foreign key refers to."""
    schemas = json.loads(text).get("schemas", ())
    found = [
        read_table(schema["name"], table, types, foreign_keys)
        for schema in schemas
        for table in schema.get("tables", ())
    ]
    tables = sorted(found, key=lambda table: table.name)
    names = {table.name for table in tables}
    external = {r.table for table in tables for r in table.references} - names
    return [*tables, *(Table(name, external=True) for name in sorted(external))]


def shown_name(schema: str, name: str) -> str:
    """The name of a table as it is shown: as it is in `public`, with its schema elsewhere."""
    return name if schema == PUBLIC else f"{label_part(schema)}.{label_part(name)}"


def read_table(schema: str, data: dict[str, Any], types: Types, foreign_keys: ForeignKeys) -> Table:
    """A table from Atlas's JSON."""
    indexes = [index for index in data.get("indexes", ()) if index.get("unique")]
    primary = key_columns(data.get("primary_key", {}))
    unique = [primary, *map(key_columns, indexes)]
    foreign = [
        (
            tuple(f["columns"]),
            shown_name(
                *foreign_keys.get(
                    (schema, data["name"], f["name"]), (schema, f["references"]["table"])
                )
            ),
            tuple(f["references"]["columns"]),
        )
        for f in data.get("foreign_keys", ())
    ]
    marks = {
        "PK": primary,
        "FK": {name for columns, *_ in foreign for name in columns},
        "UK": {name for names in unique[1:] if len(names) == 1 for name in names},
    }
    columns = tuple(
        Column(
            column["name"],
            types.get((schema, data["name"], column["name"]), column["type"]),
            column.get("null", False),
            tuple(mark for mark, names in marks.items() if column["name"] in names),
        )
        for column in data.get("columns", ())
    )
    nullable = {column.name for column in columns if column.nullable}
    references = (
        Reference(
            names,
            table,
            to_columns,
            any(key and key <= set(names) for key in unique),
            not nullable.isdisjoint(names),
        )
        for names, table, to_columns in foreign
    )
    return Table(shown_name(schema, data["name"]), columns, tuple(sorted(references)))


def key_columns(key: dict[str, Any]) -> set[str]:
    """The columns of a key; none where it has an expression."""
    names = [part.get("column", "") for part in key.get("parts", ())]
    return set(names) if all(names) else set()


def neighbours_of(tables: Iterable[Table], name: str) -> list[Table]:
    """A table, those that it refers to and those that refer to it, with no other references."""
    kept = [
        each._replace(references=tuple(r for r in each.references if name in (each.name, r.table)))
        for each in tables
    ]
    near = {name} | {r.table for each in kept if each.name == name for r in each.references}
    return [each for each in kept if each.name in near or each.references]
