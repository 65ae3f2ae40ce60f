"""Statements that are blocked by other objects: their dependents are dropped first.

The rule: an object that depends on a change is dropped before it, with its own dependents before that,
and recreated afterwards, because it is still in the desired schema. Only objects without data are
dropped so: never a table, nor anything that has no DROP.

What depends on what is read from `pg_depend`. It has the direct dependents only, so dropping one of
them may be blocked in turn: `drop_with_dependents` and `drop_dependents` call each other.
"""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

import psycopg
from psycopg import errors

from modelmigrate.planning.context import PlanContext
from modelmigrate.planning.kinds import inverse_statement
from modelmigrate.schema.catalog import dependents, table_columns
from modelmigrate.schema.diff import SchemaObject
from modelmigrate.sql.alter import (
    CHANGE_TYPE,
    DROP_COLUMN,
    DROP_CONSTRAINT,
    AlterTable,
    parse_alter_table,
)
from modelmigrate.sql.names import QUALIFIED, unquote

MAX_ATTEMPTS = 20  # each one drops dependents, or changes the statement
BLOCKED = (errors.DependentObjectsStillExist, errors.FeatureNotSupported)
DROP = re.compile(
    rf"DROP (?P<kind>TABLE|TYPE|DOMAIN|SEQUENCE|INDEX) (?:IF EXISTS )?(?P<name>{QUALIFIED})"
)
DROPPED = {
    "TYPE": "SELECT 'pg_type'::regclass::oid, to_regtype(%s)::oid",
    "DOMAIN": "SELECT 'pg_type'::regclass::oid, to_regtype(%s)::oid",
    "TABLE": "SELECT 'pg_class'::regclass::oid, to_regclass(%s)::oid",
}
COLUMN = """
    SELECT 'pg_class'::regclass::oid, attrelid, attnum FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attname = %s"""
CONSTRAINT = """
    SELECT 'pg_constraint'::regclass::oid, oid FROM pg_constraint
    WHERE conrelid = to_regclass(%s) AND conname = %s"""

FOREIGN_KEYS = """
    SELECT 'pg_constraint'::regclass::oid, c.oid FROM pg_constraint c JOIN pg_attribute
        ON (attrelid = conrelid AND attnum = ANY (conkey))
        OR (attrelid = confrelid AND attnum = ANY (confkey))
    WHERE contype = 'f' AND attrelid = to_regclass(%(table)s) AND attname = ANY (%(columns)s)"""
# Parts of tables that are created again where they are still desired: defaults, checks, and columns
# that are generated, with their values.
DROP_PARTS = """
    WITH part (class, oid) AS (SELECT * FROM unnest(%(classes)s::oid[], %(oids)s::oid[]))
    SELECT format('ALTER TABLE %%s %%s;', attrelid::regclass, CASE attgenerated
           WHEN '' THEN format('ALTER COLUMN %%I DROP DEFAULT', attname)
           ELSE format('DROP COLUMN %%I', attname) END)
    FROM pg_attrdef d JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
    JOIN part ON class = 'pg_attrdef'::regclass AND part.oid = d.oid
    UNION ALL
    SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I;', conrelid::regclass, conname)
    FROM pg_constraint c JOIN part ON class = 'pg_constraint'::regclass AND part.oid = c.oid
    WHERE contype = 'c' AND conrelid <> 0 AND coninhcount = 0"""
GENERATED_FROM = """
    SELECT format('ALTER TABLE %%s DROP COLUMN %%I;', attrelid::regclass, attname)
    FROM pg_depend JOIN pg_attrdef d ON d.oid = objid AND classid = 'pg_attrdef'::regclass
    JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum AND attgenerated <> ''
    WHERE refclassid = 'pg_class'::regclass AND refobjid = %(table)s AND refobjsubid = %(column)s
        AND (adrelid, adnum) <> (refobjid, refobjsubid)"""


class Target(NamedTuple):
    """What a statement drops or changes."""

    catalog: tuple[int, int]
    column: int = 0
    """Its number; 0 for the whole object."""
    whole: bool = True
    """Whether it is dropped with all of its parts, or a column that changes its type."""


def execute_with_dependents(context: PlanContext, statement: str) -> str:
    """Run a statement of Atlas's plan, after dropping what depends on the column that it changes;
    the reason where it cannot be run, else nothing."""
    for _ in range(MAX_ATTEMPTS):
        error = context.try_execute(statement)
        if error is None:
            return ""
        alter = parse_alter_table(statement)
        if isinstance(error, errors.DatatypeMismatch | errors.CannotCoerce) and alter:
            if (cast := with_casts(alter, error)) != alter:
                statement = cast.statement
            elif not drop_defaults(context, alter) and not drop_foreign_keys(context, alter):
                return str(error)
        elif not drop_dependents(context, error, list(targets_of(context, statement))):
            return str(error)
    return (
        f"blocked by more than {MAX_ATTEMPTS} dependent objects: change them in a migration of"
        " their own"
    )


def with_casts(alter: AlterTable, error: psycopg.Error) -> AlterTable:
    """The ALTER TABLE with USING where a column's type changes; through text where PostgreSQL knows no
    cast between the two types, as between two enums."""
    actions = []
    for action in alter.actions:
        found = CHANGE_TYPE.match(action)
        if found and " USING " not in action:
            action += f" USING {found['column']}::{found['type']}"
        elif found and isinstance(error, errors.CannotCoerce):
            new_type, _, cast = found["type"].rpartition(" USING ")
            if "::text::" not in cast:
                action = action.removesuffix(cast) + f"{found['column']}::text::{new_type}"
        actions.append(action)
    return alter._replace(actions=actions)


def drop_defaults(context: PlanContext, alter: AlterTable) -> bool:
    """Drop the defaults of the columns whose type changes, which cannot be cast to it; whether any was
    there. They are set again by what follows."""
    changed = {found["column"] for each in alter.actions if (found := CHANGE_TYPE.match(each))}
    drops = [
        f"ALTER TABLE {alter.table} ALTER COLUMN {column.name} DROP DEFAULT;"
        for column in table_columns(context.current_url, alter.table).values()
        if column.default and unquote(column.name) in map(unquote, changed)
    ]
    dropped = [context.try_execute(each) is None for each in drops]
    return any(dropped)


def targets_of(context: PlanContext, statement: str) -> Iterator[Target]:
    """What an ALTER TABLE or a DROP changes that others may depend on."""

    def find(query: str, *names: str) -> Iterator[tuple[int, ...]]:
        yield from context.connection.execute(query.encode(), names)

    if drop := DROP.match(statement):
        for row in find(DROPPED.get(drop["kind"], DROPPED["TABLE"]), drop["name"]):
            yield Target((row[0], row[1]))
    alter = parse_alter_table(statement)
    for action in alter.actions if alter else []:
        table = alter.table if alter else ""
        if column := CHANGE_TYPE.match(action) or DROP_COLUMN.match(action):
            for row in find(COLUMN, table, unquote(column["column"])):
                yield Target((row[0], row[1]), row[2], whole=action.startswith("DROP"))
        elif constraint := DROP_CONSTRAINT.match(action):
            for row in find(CONSTRAINT, table, unquote(constraint["constraint"])):
                yield Target((row[0], row[1]))


def drop_with_dependents(context: PlanContext, obj: SchemaObject) -> bool:
    """Drop an object after its dependents; whether that succeeded."""
    for _ in range(MAX_ATTEMPTS):
        error = context.try_execute(inverse_statement(obj))
        if error is None:
            return True
        if not drop_dependents(context, error, [Target(obj.catalog)]):
            context.blocked_by = str(error)
            return False
    return False


def drop_dependents(context: PlanContext, error: psycopg.Error, targets: list[Target]) -> bool:
    """Drop what depends on these and so has blocked a statement; whether any could be dropped."""
    return isinstance(error, BLOCKED) and drop_all_dependents(context, targets)


def drop_all_dependents(
    context: PlanContext, targets: list[Target], keep: Collection[tuple[int, int]] = ()
) -> bool:
    """Drop what depends on these, and can be created again, but for what is to be kept; whether there
    was any."""
    found = {
        key
        for target in targets
        for key in dependents(context.connection, target.catalog, target.column, whole=target.whole)
        if key not in keep
    }
    objects = [obj for obj in reversed(context.current().values()) if obj.catalog in found]
    dropped = [
        drop_with_dependents(context, obj)
        for obj in objects
        if inverse_statement(obj) and obj.kind != "TABLE"
    ]
    parts = found - {obj.catalog for obj in objects}
    keys = {"classes": [each for each, _ in parts], "oids": [each for _, each in parts]}
    drops = context.connection.execute(DROP_PARTS, keys).fetchall()
    for target in targets:
        names = {"table": target.catalog[1], "column": target.column}
        drops += context.connection.execute(GENERATED_FROM, names).fetchall()
    dropped += [not execute_with_dependents(context, drop) for (drop,) in drops]
    return any(dropped)


def drop_foreign_keys(context: PlanContext, alter: AlterTable) -> bool:
    """Drop the foreign keys of columns whose type changes, on both sides: their types differ meanwhile.
    Whether there was any."""
    columns = [
        unquote(found["column"]) for each in alter.actions if (found := CHANGE_TYPE.match(each))
    ]
    names = {"table": alter.table, "columns": columns}
    keys = {*context.connection.execute(FOREIGN_KEYS, names).fetchall()}
    dropped = [
        drop_with_dependents(context, obj)
        for obj in list(context.current().values())
        if obj.catalog in keys
    ]
    return any(dropped)
