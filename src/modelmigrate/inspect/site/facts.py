"""What a history is made of: each object with what stays the same when it is renamed, and with what says
whether it was changed."""

from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

import psycopg

from modelmigrate.lint.catalog import Catalog
from modelmigrate.schema.catalog import USER_SCHEMAS

# What the catalogs of the linter do not hold: what views, types and sequences of their own say.
TEXTS = f"""
    SELECT c.oid, pg_get_viewdef(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE {USER_SCHEMAS} AND relkind IN ('v', 'm')
  UNION ALL
    SELECT c.oid, concat_ws(' ', seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcycle)
    FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE {USER_SCHEMAS} AND NOT EXISTS (
        SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype IN ('a', 'i'))
  UNION ALL
    SELECT t.oid, concat_ws(' ', format_type(nullif(typbasetype, 0), typtypmod), typnotnull, typdefault,
        (SELECT string_agg(pg_get_constraintdef(o.oid), ' ' ORDER BY conname)
         FROM pg_constraint o WHERE contypid = t.oid),
        (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder)
         FROM pg_enum WHERE enumtypid = t.oid),
        (SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod), ', '
                           ORDER BY attnum)
         FROM pg_attribute WHERE attrelid = typrelid AND attnum > 0 AND NOT attisdropped))
    FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
    WHERE {USER_SCHEMAS} AND typtype IN ('e', 'd', 'c', 'r')"""
RELATIONS = {"r": "table", "p": "table", "f": "table", "v": "view", "m": "view", "S": "sequence"}

Key = tuple[str, int, int]
"""The kind of an object, its oid, and the number of a column."""


class Fact(NamedTuple):
    """An object at one moment."""

    kind: str
    table: str
    """That it belongs to; empty for what belongs to none. With its schema and quoted, as its name is."""
    name: str
    definition: tuple[object, ...]

    @property
    def identity(self) -> tuple[str, str, str]:
        """What tells it from others at one moment."""
        return self.kind, self.table, self.name


def read_texts(connection: psycopg.Connection[Any]) -> dict[int, str]:
    """What views, types and sequences say, by their oids, as this session sees it; its search_path must be
    empty."""
    return dict(connection.execute(TEXTS.encode()).fetchall())


def facts_of(catalog: Catalog, texts: dict[int, str]) -> dict[Key, Fact]:
    """Those of these catalogs; what belongs to a partition belongs to its table, and to a view the view."""
    return dict(chain(_wholes(catalog, texts), _parts(catalog)))


def _wholes(catalog: Catalog, texts: dict[int, str]) -> Iterator[tuple[Key, Fact]]:
    for oid, each in catalog.relations.items():
        kind = RELATIONS.get(each.kind)
        if kind and (kind != "sequence" or oid in texts):
            state = (each.kind, texts.get(oid), each.parent, each.row_security, each.forced)
            yield (kind, oid, 0), Fact(kind, "", each.name, state)
    for oid, routine in catalog.routines.items():
        text = routine.source.replace(routine.name.partition("(")[0], "")
        yield ("function", oid, 0), Fact("function", "", routine.name, (routine.result, text))
    for oid, named in catalog.types.items():
        yield ("type", oid, 0), Fact("type", "", named.name, (texts.get(oid),))
    for oid, named in catalog.extensions.items():
        yield ("extension", oid, 0), Fact("extension", "", named.name, ())


def _parts(catalog: Catalog) -> Iterator[tuple[Key, Fact]]:
    """What belongs to tables, without their names, so that it stays the same when one is renamed."""
    tables = {
        oid: each.name
        for oid, each in catalog.relations.items()
        if RELATIONS.get(each.kind) == "table" and not each.parent
    }
    built = {each.index_oid for each in catalog.constraints.values() if each.kind in "pux"}
    for (table, number), column in catalog.columns.items():
        if name := tables.get(table):
            about: tuple[object, ...] = (
                column[3:4] + column[5:]
            )  # all but its place, its name and the oid of its type
            yield ("column", table, number), Fact("column", name, column.name, about)
    for oid, key in catalog.constraints.items():
        if name := tables.get(key.table):
            # The columns of others are known by their numbers, which stay.
            text = key.definition if key.kind in "cx" else ""
            about = (key.kind, key.valid, key.references, key.columns, key.target_columns, text)
            yield ("constraint", oid, 0), Fact("constraint", name, key.name, about)
    for oid, index in catalog.indexes.items():
        if (name := tables.get(index.table)) and oid not in built:
            about = (index.unique, index.definition.partition(" USING ")[2])
            yield ("index", oid, 0), Fact("index", name, index.name, about)
    for kind, parts in (("trigger", catalog.triggers), ("policy", catalog.policies)):
        for oid, part in parts.items():
            if name := tables.get(part.table):
                text = part.definition.replace(name, "").replace(f" {part.name} ", " ")
                yield (kind, oid, 0), Fact(kind, name, part.name, (text, part.enabled))
