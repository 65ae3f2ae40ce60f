"""What only the system catalogs can tell: which object is still the same one under another name.

A clone of a database keeps the oids of its objects, and a rename keeps them, too. So of two states,
one of which was made from a clone of the other, it is known what was renamed and what was dropped.
"""

from collections.abc import Mapping
from contextlib import closing
from typing import Any, NamedTuple

import psycopg

from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.snapshots import once
from modelmigrate.schema.diff import Schema

USER_SCHEMAS = (
    "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'atlas_schema_revisions')"
)
SCHEMAS = f"""
    SELECT nspname FROM pg_namespace n WHERE {USER_SCHEMAS} AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = 'pg_namespace'::regclass AND objid = n.oid AND deptype = 'e') ORDER BY 1"""
OBJECTS = f"""
    SELECT 'relation', c.oid, 0, format('%I.%I', n.nspname, c.relname), quote_ident(c.relname),
           CASE c.relkind WHEN 'i' THEN 'INDEX' WHEN 'I' THEN 'INDEX' WHEN 'v' THEN 'VIEW'
                WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, false
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {USER_SCHEMAS} AND c.relkind IN ('r', 'p', 'i', 'I', 'v', 'm', 'S')
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid AND contype IN ('p', 'u', 'x'))
  UNION ALL
    SELECT 'column', c.oid, a.attnum, format('%I.%I', n.nspname, c.relname), quote_ident(a.attname),
           format_type(a.atttypid, a.atttypmod), a.attinhcount > 0
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {USER_SCHEMAS} AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
    SELECT 'constraint', c.oid, 0, conrelid::regclass::text, quote_ident(conname), contype::text, false
    FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
    WHERE {USER_SCHEMAS} AND conrelid <> 0 AND contype IN ('p', 'u', 'x', 'c', 'f')
  UNION ALL
    SELECT 'type', t.oid, 0, format('%I.%I', n.nspname, t.typname), quote_ident(t.typname), '', false
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE {USER_SCHEMAS} AND t.typtype IN ('e', 'd')
  UNION ALL
    SELECT 'value', e.oid, 0, format('%I.%I', n.nspname, t.typname), quote_literal(e.enumlabel),
           (row_number() OVER (PARTITION BY enumtypid ORDER BY enumsortorder))::text, false
    FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
    JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE {USER_SCHEMAS}"""
# What would be dropped together with a target, or with a column of it; then what depends on any of that,
# and so prevents it. A view depends by its rule, and is named instead of it.
DEPENDENTS = """
    WITH RECURSIVE gone (class, object, part) AS (
        SELECT %(class)s::oid, %(object)s::oid, %(part)s::int
      UNION
        SELECT d.classid, d.objid, 0 FROM gone
        JOIN pg_depend d ON refclassid = class AND refobjid = object
            AND (part = 0 OR refobjsubid = part) AND deptype IN ('a', 'i', 'e', 'P', 'S')
        WHERE %(whole)s AND d.objsubid = 0
    )
    SELECT DISTINCT CASE WHEN ev_class IS NULL THEN d.classid ELSE 'pg_class'::regclass END::oid,
           coalesce(ev_class, d.objid)
    FROM gone JOIN pg_depend d ON refclassid = class AND refobjid = object
        AND (part = 0 OR refobjsubid = part) AND deptype = 'n'
    LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
        AND rulename = '_RETURN'
    WHERE (coalesce(ev_class, d.objid)) <> %(object)s"""
COLUMNS = """
    SELECT quote_ident(attname), attnum, format_type(atttypid, atttypmod),
           CASE WHEN attcollation <> typcollation THEN attcollation::regcollation::text ELSE '' END,
           coalesce(pg_get_expr(adbin, adrelid), ''), attgenerated::text, attidentity::text, attnotnull
    FROM pg_attribute a JOIN pg_type t ON t.oid = atttypid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum"""
NAMES_TO_ESCAPE = """
    SELECT nspname FROM pg_namespace WHERE nspname ~ '["\\\\]'
    UNION SELECT relname FROM pg_class WHERE relname ~ '["\\\\]'
    UNION SELECT attname FROM pg_attribute WHERE attname ~ '["\\\\]'
    UNION SELECT conname FROM pg_constraint WHERE conname ~ '["\\\\]'
    UNION SELECT typname FROM pg_type WHERE typname ~ '["\\\\]'"""


class CatalogObject(NamedTuple):
    """A table, index, column, constraint, type or value of an enum."""

    kind: str
    oid: int
    number: int
    """The position of a column in its table; 0 for anything else."""
    parent: str
    """Its table or type; of a table, an index or a type itself its qualified name. Quoted."""
    name: str
    """Without its schema, quoted."""
    type_name: str
    """The kind of a relation, the type of a column, the place of a value."""
    inherited: bool
    """Whether it is a column that a table or partition has from another one, where it is renamed."""

    @property
    def key(self) -> tuple[str, int, int]:
        """What stays the same when the object is renamed."""
        return self.kind, self.oid, self.number


CatalogObjects = dict[tuple[str, int, int], CatalogObject]


@once
def catalog_objects(url: str) -> CatalogObjects:
    """Every object that keeps its oid when it is renamed, by its key."""
    with closing(connect(url, search_path="")) as connection:
        rows = connection.execute(OBJECTS.encode()).fetchall()
    return {obj.key: obj for obj in map(CatalogObject._make, rows)}


class Column(NamedTuple):
    """A column of a table, as the catalogs have it; names are qualified and quoted."""

    name: str
    number: int
    type_name: str
    collation: str
    """Empty for that of its type."""
    default: str
    """Its default, or the expression that it is generated from."""
    generated: str
    """`s` (stored) or `v` (virtual); empty where it is not generated."""
    identity: str
    """`a` (always) or `d` (by default); empty where it is none."""
    not_null: bool


def table_columns(url: str, table: str) -> dict[str, Column]:
    """The columns of a table, which is named as SQL names it, by their names."""
    with closing(connect(url)) as connection, connection.transaction():
        # The name is understood as always; what is read has all of its schemas.
        [(oid,)] = connection.execute("SELECT to_regclass(%s)::oid", [table]).fetchall()
        connection.execute("SET LOCAL search_path = ''")
        rows = connection.execute(COLUMNS, [oid]).fetchall()
    return {column.name: column for column in map(Column._make, rows)}


def dependents(
    connection: psycopg.Connection[Any], target: tuple[int, int], column: int = 0, *, whole: bool
) -> set[tuple[int, int]]:
    """What depends on an object, or on one of its columns, by the oids of catalog and row; with
    `whole`, what depends on its parts, too, which would be dropped with it."""
    rows = connection.execute(
        DEPENDENTS, {"class": target[0], "object": target[1], "part": column, "whole": whole}
    )
    return set(rows.fetchall())


def columns_of_type(connection: psycopg.Connection[Any], name: str) -> list[tuple[str, ...]]:
    """Table, column, `[]` for an array, and default of each column of this type."""
    return connection.execute(
        """
        SELECT a.attrelid::regclass::text, quote_ident(a.attname),
               CASE WHEN a.atttypid = %(name)s::regtype THEN '' ELSE '[]' END,
               pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.atttypid IN (%(name)s::regtype, (%(name)s || '[]')::regtype) AND NOT attisdropped
          AND NOT c.relispartition""",
        {"name": name},
    ).fetchall()


def names_to_escape(schemas: Mapping[str, Schema]) -> set[str]:
    """The names of objects that hold double quotes or backslashes, of the databases with these URLs and
    schemas."""
    found: set[str] = set()
    for url, schema in schemas.items():
        if any('""' in each.create_sql or "\\" in each.create_sql for each in schema.values()):
            with closing(connect(url)) as connection:
                found |= {name for (name,) in connection.execute(NAMES_TO_ESCAPE.encode())}
    return found


def user_schemas(url: str) -> list[str]:
    """The schemas of a database that are neither PostgreSQL's, nor Atlas's, nor an extension's."""
    with closing(connect(url)) as connection:
        return [name for (name,) in connection.execute(SCHEMAS.encode())]
