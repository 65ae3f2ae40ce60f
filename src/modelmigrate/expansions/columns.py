"""What the catalogs tell of columns and tables that stay for a while, as statements that make them again."""

from collections.abc import Iterator
from typing import Any

import psycopg

from modelmigrate.expansions.directives import Expansion
from modelmigrate.expansions.sync import Pair, added
from modelmigrate.planning.online_forms import renamed_index
from modelmigrate.schema.catalog import Column
from modelmigrate.sql.names import quote, unquote, with_suffix
from modelmigrate.sql.statements import replace_outside_quotes

INDEX_COPY = "_new"  # the end of the name of an index that is of the added column
# With those that inherit from it, where a trigger does not reach; partitions it does.
TABLES = """
    WITH RECURSIVE family AS (
        SELECT to_regclass(%(table)s)::oid AS oid
        UNION SELECT inhrelid FROM pg_inherits JOIN family ON inhparent = family.oid)
    SELECT family.oid::regclass::text FROM family JOIN pg_class c USING (oid)
    WHERE NOT relispartition OR family.oid = to_regclass(%(table)s) ORDER BY family.oid"""
SPELLED = """
    SELECT to_regclass(%(table)s)::text, quote_ident(%(old)s), quote_ident(%(new)s)"""
GRANTS = """
    SELECT format('GRANT %%s ON %%s TO %%s%%s', privilege_type, to_regclass(%(table)s),
                  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
                  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)
    FROM pg_class, aclexplode(relacl)
    WHERE oid = to_regclass(%(table)s) AND grantee <> relowner"""
# Not an exclusion, which may have columns twice.
INDEXES = """
    SELECT relname, pg_get_indexdef(indexrelid)
    FROM pg_index JOIN pg_class c ON c.oid = indexrelid
    JOIN pg_attribute a ON a.attrelid = indrelid AND attname = %(column)s
    WHERE indrelid = to_regclass(%(table)s) AND NOT indisexclusion AND (
        attnum = ANY (indkey) OR EXISTS (SELECT FROM pg_depend
            WHERE classid = 'pg_class'::regclass AND objid = indexrelid
                AND refobjid = indrelid AND refobjsubid = attnum))
    ORDER BY relname"""
# The unique constraints that a column has a part in, made of the copies of their indexes.
KEYS = """
    SELECT conname, condeferrable, condeferred FROM pg_constraint
    WHERE conrelid = to_regclass(%(table)s) AND contype = 'u' AND coninhcount = 0
        AND (SELECT attnum FROM pg_attribute WHERE attrelid = conrelid AND attname = %(column)s)
            = ANY (conkey)
        AND EXISTS (SELECT FROM pg_class WHERE oid = conrelid AND relkind = 'r')"""
# The constraints that a column has a part in, those of other tables that refer to it last; then its indexes,
# its statistics and its comment.
PARTS = """
    WITH part AS (
        SELECT attrelid, attnum, attname FROM pg_attribute
        WHERE attrelid = to_regclass(%(table)s) AND attname = %(column)s)
    SELECT format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,
                  pg_get_constraintdef(c.oid))
    FROM pg_constraint c, part
    WHERE coninhcount = 0 AND contype <> 'n' AND ((conrelid = attrelid AND attnum = ANY (conkey))
        OR (contype = 'f' AND confrelid = attrelid AND attnum = ANY (confkey)))
  UNION ALL
    SELECT pg_get_indexdef(indexrelid) FROM pg_index, part
    WHERE indrelid = attrelid AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
        AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
        AND (attnum = ANY (indkey) OR EXISTS (SELECT FROM pg_depend
            WHERE classid = 'pg_class'::regclass AND objid = indexrelid
                AND refobjid = attrelid AND refobjsubid = attnum))
  UNION ALL
    SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext, part
    WHERE stxrelid = attrelid AND attnum = ANY (stxkeys)
  UNION ALL
    SELECT format('COMMENT ON COLUMN %%s.%%I IS %%L', attrelid::regclass, attname, description)
    FROM pg_description, part
    WHERE classoid = 'pg_class'::regclass AND objoid = attrelid AND objsubid = attnum"""


def read_pair(connection: psycopg.Connection[Any], expansion: Expansion, type_name: str) -> Pair:
    """The two columns of a change in two halves; the one that is added has this type."""
    names = {
        "table": expansion.sql_table,
        "old": expansion.column,
        "new": added(expansion),
    }
    tables = [name for (name,) in connection.execute(TABLES, names)]
    [spelled] = connection.execute(SPELLED, names).fetchall()
    return Pair(expansion, type_name, tables, list(spelled))


def column_type(column: Column) -> str:
    """The type with its collation."""
    return (
        f"{column.type_name} COLLATE {column.collation}" if column.collation else column.type_name
    )


def definition(column: Column) -> str:
    """A column as a CREATE TABLE has it; it may be NULL, unless PostgreSQL fills it."""
    parts = [column.name, column_type(column)]
    if column.generated:
        kind = {"s": "STORED", "v": "VIRTUAL"}[column.generated]
        parts.append(f"GENERATED ALWAYS AS ({column.default}) {kind}")
    elif column.identity:
        how = {"a": "ALWAYS", "d": "BY DEFAULT"}[column.identity]
        parts.append(f"GENERATED {how} AS IDENTITY")
    elif column.default:
        parts.append(f"DEFAULT {column.default}")
    if column.not_null and (column.default or column.identity):
        parts.append("NOT NULL")
    return " ".join(parts)


def parts_of(connection: psycopg.Connection[Any], expansion: Expansion) -> list[str]:
    """The statements for what there is of a column beside itself: constraints, indexes and so on."""
    names = {"table": expansion.sql_table, "column": expansion.column}
    return [statement for (statement,) in connection.execute(PARTS, names)]


def grants_on(connection: psycopg.Connection[Any], table: str) -> list[str]:
    """The statements that give others the same privileges on what takes the place of a table."""
    return [statement for (statement,) in connection.execute(GRANTS, {"table": table})]


def index_copies(connection: psycopg.Connection[Any], expansion: Expansion) -> Iterator[str]:
    """The statements for indexes of the added column like those of the other one. While they are run, it
    has to have the other's name.

    A unique one is as unique, for ON CONFLICT; but rows that are not filled yet are not the same."""
    names = {"table": expansion.sql_table, "column": expansion.column}
    for name, create in connection.execute(INDEXES, names).fetchall():
        whole = create.replace(" ON ONLY ", " ON ", 1)
        copy = renamed_index(whole, quote(with_suffix(unquote(name), INDEX_COPY)))
        yield replace_outside_quotes(copy, r" NULLS NOT DISTINCT\b", "")


def constraints_of_copies(connection: psycopg.Connection[Any], expansion: Expansion) -> list[str]:
    """The statements that make unique constraints of the copies of their indexes."""
    names = {"table": expansion.sql_table, "column": expansion.column}
    statements = []
    for name, deferrable, deferred in connection.execute(KEYS, names):
        when = " DEFERRABLE" * deferrable + " INITIALLY DEFERRED" * deferred
        index = quote(with_suffix(name, INDEX_COPY))
        statements.append(
            f"ALTER TABLE {expansion.sql_table} ADD CONSTRAINT {quote(name)} UNIQUE"
            f" USING INDEX {index}{when};"
        )
    return statements
