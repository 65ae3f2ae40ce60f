"""The tables of a live schema, read from the JSON of `atlas schema inspect`."""

import json
from collections.abc import Iterable
from typing import Any

from modelmigrate.inspect.model import Column, Reference, Table
from modelmigrate.schema.namespaces import PUBLIC
from modelmigrate.sql.names import label_part

# The schema and the name of the table that a foreign key refers to, by those of its own and its name.
ForeignKeys = dict[tuple[str, str, str], tuple[str, str]]


def parse_tables(text: str, foreign_keys: ForeignKeys) -> list[Table]:
    """The tables in Atlas's JSON by name, and after them those of other schemas that they refer to.
    Atlas does not say in which schema it is that a foreign key refers to."""
    schemas = json.loads(text).get("schemas", ())
    found = [
        read_table(schema["name"], table, foreign_keys)
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


def read_table(schema: str, data: dict[str, Any], foreign_keys: ForeignKeys) -> Table:
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
            column["type"].removeprefix("public."),
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
