"""The tables of a schema as they are drawn, out of its catalogs."""

import functools
import re
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing

from modelmigrate.inspect.model import Column, Reference, Table
from modelmigrate.lint import catalog as catalogs
from modelmigrate.lint.catalog import Catalog, Constraint, read_catalog
from modelmigrate.postgres.connection import connect
from modelmigrate.schema.namespaces import PUBLIC
from modelmigrate.sql.names import label_part, quote, split_name, unquote

# The short names of types, which PostgreSQL understands, too.
SHORT = (
    (r"^public\.", ""),
    (r"^character varying\b", "varchar"),
    (r"^bit varying\b", "varbit"),
    (r"^character\b", "char"),
    (r"^(timestamp|time)(\(\d\))? with time zone", r"\1tz\2"),
    (r"^(timestamp|time)(\(\d\))? without time zone", r"\1\2"),
)


def read_whole_catalog(url: str) -> Catalog:
    """The catalogs of the database at `url`."""
    with closing(connect(url, search_path="")) as connection:
        return Catalog(**read_catalog(connection))


def read_tables(url: str) -> list[Table]:
    """The tables of the database at `url`, see `tables_of`."""
    return tables_of(read_whole_catalog(url))


@functools.cache
def short_type(name: str) -> str:
    """A type with the name that people write: `varchar(40)[]`, `timestamptz`."""
    for pattern, replacement in SHORT:
        name = re.sub(pattern, replacement, name)
    return name


@functools.cache
def shown_name(qualified: str) -> str:
    """A name that SQL has, as it is shown: with its schema, unless that is `public`."""
    schema, name = map(unquote, split_name(qualified))
    if schema not in ("", PUBLIC):
        return f"{label_part(schema)}.{label_part(name)}"
    return quote(name) if split_name(name)[0] else name  # in quotes where it reads like two


def tables_of(catalog: Catalog) -> list[Table]:
    """The tables by name. Partitions are not among them: they say nothing that their table does not."""
    columns: defaultdict[int, list[catalogs.Column]] = defaultdict(list)
    for key in sorted(catalog.columns):
        columns[key[0]].append(catalog.columns[key])
    constraints: defaultdict[int, list[Constraint]] = defaultdict(list)
    for constraint in catalog.constraints.values():
        constraints[constraint.table].append(constraint)
    unique: defaultdict[int, list[set[int]]] = defaultdict(list)
    for index in catalog.indexes.values():
        if index.unique and all(index.columns):
            unique[index.table].append({*index.columns})
    drawn = {oid for oid, each in catalog.relations.items() if each.is_table and not each.parent}
    found = [
        _table(
            catalog,
            table,
            columns[table],
            [each for each in constraints[table] if each.kind != "f" or each.references in drawn],
            unique[table],
        )
        for table in drawn
    ]
    return sorted(found, key=lambda table: table.name)


def _table(
    catalog: Catalog,
    oid: int,
    columns: list[catalogs.Column],
    constraints: list[Constraint],
    unique: list[set[int]],
) -> Table:
    foreign = [c for c in constraints if c.kind == "f"]
    primary = {number for c in constraints if c.kind == "p" for number in c.columns}
    marks = {
        "PK": primary,
        "FK": {number for c in foreign for number in c.columns},
        "UK": {n for numbers in unique if len(numbers) == 1 for n in numbers if numbers != primary},
    }
    shown = tuple(
        Column(
            unquote(column.name),
            short_type(column.type),
            not column.not_null,
            tuple(mark for mark, numbers in marks.items() if column.number in numbers),
        )
        for column in columns
    )
    nullable = {column.number for column in columns if not column.not_null}
    references = (
        Reference(
            tuple(unquote(catalog.columns[oid, number].name) for number in key.columns),
            shown_name(catalog.relations[key.references].name),
            tuple(
                unquote(catalog.columns[key.references, number].name)
                for number in key.target_columns
            ),
            any(numbers <= {*key.columns} for numbers in unique),
            not nullable.isdisjoint(key.columns),
        )
        for key in foreign
    )
    return Table(shown_name(catalog.relations[oid].name), shown, tuple(sorted(set(references))))


def neighbours_of(tables: Iterable[Table], name: str) -> list[Table]:
    """A table, those that it refers to and those that refer to it, with no other references."""
    kept = [
        each._replace(references=tuple(r for r in each.references if name in (each.name, r.table)))
        for each in tables
    ]
    near = {name} | {r.table for each in kept if each.name == name for r in each.references}
    return [each for each in kept if each.name in near or each.references]
