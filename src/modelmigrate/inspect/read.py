"""The tables of a live schema, from what Atlas tells of it."""

import json
from collections.abc import Iterable
from typing import Any

from modelmigrate.inspect.model import Column, Reference, Table


def parse_tables(text: str) -> list[Table]:
    """The tables in Atlas's JSON by name, and after them the tables elsewhere that they refer to."""
    found = [t for s in json.loads(text).get("schemas", ()) for t in s.get("tables", ())]
    tables = sorted(map(read_table, found), key=lambda each: each.name)
    names = {each.name for each in tables}
    elsewhere = {r.table for each in tables for r in each.references} - names
    return [*tables, *(Table(name, here=False) for name in sorted(elsewhere))]


def read_table(found: dict[str, Any]) -> Table:
    keys = [i for i in found.get("indexes", ()) if i.get("unique")]
    primary = key_columns(found.get("primary_key", {}))
    unique = [primary, *map(key_columns, keys)]
    foreign = [(tuple(f["columns"]), f["references"]) for f in found.get("foreign_keys", ())]
    marks = {
        "PK": primary,
        "FK": {name for columns, _ in foreign for name in columns},
        "UK": {name for names in unique[1:] if len(names) == 1 for name in names},
    }
    columns = tuple(
        Column(
            column["name"],
            column["type"].removeprefix("public."),
            column.get("null", False),
            tuple(mark for mark, names in marks.items() if column["name"] in names),
        )
        for column in found.get("columns", ())
    )
    nullable = {column.name for column in columns if column.null}
    references = (
        Reference(
            names,
            to["table"],
            tuple(to["columns"]),
            any(key and key <= set(names) for key in unique),
            not nullable.isdisjoint(names),
        )
        for names, to in foreign
    )
    return Table(found["name"], columns, tuple(sorted(references)))


def key_columns(key: dict[str, Any]) -> set[str]:
    """The columns of a key; none if it is about more than columns."""
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
