"""What cannot be made in two halves, and why: it is refused before anything is written."""

from collections.abc import Iterator
from contextlib import closing

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.expansions.directives import Expansion
from modelmigrate.expansions.sides import IS_MEANT, Sides
from modelmigrate.planning.renames import shown
from modelmigrate.postgres.connection import connect

IN_PARTITION_KEY = """
    SELECT FROM pg_partitioned_table JOIN pg_attribute ON attrelid = partrelid
    WHERE partrelid = to_regclass(%s) AND attname = %s AND attnum = ANY (partattrs::int2[])"""
IN_KEY = """
    SELECT FROM pg_constraint JOIN pg_attribute ON attrelid = to_regclass(%s) AND attname = %s
    WHERE (contype = 'p' AND conrelid = attrelid AND attnum = ANY (conkey))
        OR (contype = 'f' AND confrelid = attrelid AND attnum = ANY (confkey))"""
READERS = """
    SELECT DISTINCT format('%%I.%%I', nspname, relname)
    FROM pg_depend JOIN pg_rewrite r ON classid = 'pg_rewrite'::regclass AND r.oid = objid
    JOIN pg_class c ON c.oid = ev_class JOIN pg_namespace n ON n.oid = relnamespace
    JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
    WHERE refclassid = 'pg_class'::regclass AND refobjid = to_regclass(%s) AND attname = %s"""


def require_halves(sides: Sides, expansion: Expansion) -> None:
    """Raise MigrateError (exit code 3) where a change cannot be made in two halves."""
    for reason in reasons(sides, expansion):
        raise cannot_be_halved(expansion, reason)


def reasons(sides: Sides, each: Expansion) -> Iterator[str]:
    """Why it cannot be made in two halves."""
    if not IS_MEANT[each.kind](sides, each):
        yield "its table gets another name, too. Make one of the two changes first"
    current, desired = sides.columns(each.sql_table)
    if each.kind == "rename-column":
        old, new = current[each.column], desired[each.new]
        if new.generated:
            none = project.option("rename", "none")
            yield f"it is generated, and no trigger sees its values. Let PostgreSQL generate both: {none}"
        elif old.type_name.partition("(")[0] != new.type_name.partition("(")[0]:
            yield "its type changes, too. Make one of the two changes first"
        elif finds(sides, IN_PARTITION_KEY, each):
            yield "it decides on the partition of a row, before any trigger"
    elif each.kind == "retype-column":
        old, new = current[each.column], desired[each.column]
        if new.generated or new.identity or "nextval(" in old.default + new.default:
            yield "PostgreSQL gives it its values, not code"
        elif finds(sides, IN_PARTITION_KEY, each):
            yield "it decides on the partition of a row"
        elif finds(sides, IN_KEY, each):
            yield "it is part of a key that others may refer to"
        elif views := finds(sides, READERS, each):
            names = ", ".join(shown(str(name)) for (name,) in views)
            yield f"{names} would have to be dropped for it. Drop that first, and create it again later"


def finds(sides: Sides, query: str, each: Expansion) -> list[tuple[object, ...]]:
    """What a query finds of a column of the current side."""
    with closing(connect(sides.current_url)) as connection:
        return connection.execute(query, [each.sql_table, each.column]).fetchall()


def cannot_be_halved(expansion: Expansion, reason: str) -> MigrateError:
    """Why a change cannot be made in two halves, and what can be done."""
    verb, what = expansion.kind.split("-")
    done = {"rename": "renamed", "retype": "changed", "drop": "dropped", "require": "filled"}[verb]
    return MigrateError(
        f"the {what} {expansion.label} cannot be {done} in two halves: {reason}.\nNo file was written."
        f" Or make this change at once, while no older code runs: {project.command('create', '...')}",
        Exit.REFUSED,
    )
