"""The states that schemas are compared in: databases that are made, cloned and thrown away.

What was once replayed is kept, since a clone takes a twentieth of a second however long the history.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

from modelmigrate import project
from modelmigrate.atlas.commands import apply_to_scratch
from modelmigrate.atlas.directory import Migration, read_migrations
from modelmigrate.errors import MigrateError
from modelmigrate.models.ddl import read_models_ddl
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.execute import execute_in_any_order, try_execute
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.postgres.snapshots import cached_snapshot, save_snapshot, snapshot_name
from modelmigrate.schema.declared import DeclaredObject, is_declared, read_declared
from modelmigrate.schema.diff import Schema, SchemaObject
from modelmigrate.schema.dump import read_schema, run_pg_dump
from modelmigrate.schema.rebuild import describes_another
from modelmigrate.sql.statements import shorten, split_parentheses
from modelmigrate.terminal import progress

CHECKS_OF_BODIES = """
    SELECT proname, format('SELECT %s(%s)', lanvalidator::regproc, p.oid)
    FROM pg_proc p JOIN pg_language l ON l.oid = prolang JOIN pg_namespace n ON n.oid = pronamespace
    WHERE lanvalidator <> 0 AND prokind <> 'a' AND nspname NOT IN ('pg_catalog', 'information_schema')
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')"""


@contextmanager
def replay_migrations(migrations: list[Migration]) -> Iterator[str]:
    """The URL of a database to which the oldest migrations, these, were applied; to be read and
    cloned only.

    Raises:
        MigrateError: one of them does not run from empty.
    """
    prefixes = [snapshot_name(m.version, m.hash) for m in reversed(migrations)]
    with cached_snapshot(prefixes) as template:
        done = next((n for n, name in enumerate(prefixes) if template and name in template), None)
        if done == 0 and template:
            yield template
            return
        with scratch_database(template) as url:
            if migrations:
                progress("replaying migrations")
                apply_to_scratch(url, len(migrations) if done is None else done)
            if not migrations or not save_snapshot(url, prefixes[0], run_pg_dump(url)):
                yield url
                return
    with replay_migrations(migrations) as url:
        yield url


@contextmanager
def build_desired_state(ddl: str, declared: list[DeclaredObject], beside: Schema) -> Iterator[str]:
    """The URL of a database with the tables of the models, the objects of the files, and what else
    stands beside them; to be read and cloned only.

    Raises:
        MigrateError: part of it cannot be made.
    """
    tables = [part for each in ddl.split("\n\n") for part in split_not_valid(each)]
    files: dict[str, str] = {}
    for each in declared:
        place, text = project.relative(each.file), "\n".join(each.statements)
        if text in files:
            raise MigrateError(f"{place} makes the same as {files[text]}. Nothing was written.")
        files[text] = place
    others = {entry.create_sql: entry for entry in beside.values()}
    name = snapshot_name(ddl, *files, *others)
    with cached_snapshot([name]) as found:
        if found:
            yield found
            return
    progress("making what the models say")
    with scratch_database() as url:
        failed = execute_in_any_order(url, [*tables, *files, *others])
        # A right to what is gone is gone with it.
        failed = {
            s: why
            for s, why in failed.items()
            if s not in others or not describes_another(others[s])
        }
        reasons = [f"  {files.get(s, shorten(s))}: {why}" for s, why in failed.items()]
        if reasons or (reasons := find_broken_bodies(url, files)):
            raise MigrateError(
                "\n".join(["models, files and migrations do not go together:", *reasons])
                + "\nNothing was written. Change the models or the files. What only migrations"
                " make: declare it by make schema-declare, or drop it in a migration of its own."
            )
        if not save_snapshot(url, name, run_pg_dump(url)):
            yield url
            return
    with build_desired_state(ddl, declared, beside) as url:
        yield url


def split_not_valid(statement: str) -> list[str]:
    """A table with the constraints that are NOT VALID put behind it: inside, that goes unheeded."""
    if not statement.startswith("CREATE TABLE") or "NOT VALID" not in statement:
        return [statement]
    head, items, tail = split_parentheses(statement)
    table = head.removeprefix("CREATE TABLE ").removesuffix("(").strip()
    later = [f"ALTER TABLE {table} ADD {each};" for each in items if each.endswith(" NOT VALID")]
    inside = ", ".join(each for each in items if not each.endswith(" NOT VALID"))
    return [f"{head}{inside}{tail}", *later]


def find_broken_bodies(url: str, files: dict[str, str]) -> list[str]:
    """What PostgreSQL objects to in the bodies of functions, now that all they use is there."""
    with closing(connect(url)) as connection:
        checks = connection.execute(CHECKS_OF_BODIES).fetchall()
        failed = [(name, try_execute(connection, check)) for name, check in checks]
    return [f"  {file_that_declares(name, files)}: {error}" for name, error in failed if error]


def file_that_declares(name: str, files: dict[str, str]) -> str:
    """The file that makes a function, or all that make one of this name."""
    words = rf'\b(?:FUNCTION|PROCEDURE)\s+(?:\w+\.)?"?{re.escape(name)}"?\s*\('
    return (
        " or ".join(place for text, place in files.items() if re.search(words, text, re.IGNORECASE))
        or name
    )


@contextmanager
def current_and_desired() -> Iterator[tuple[str, str]]:
    """Scratch databases: what the migrations make, and what the models say."""
    declared = read_declared()
    with ThreadPoolExecutor() as pool:
        progress("loading the models")
        loading = pool.submit(read_models_ddl)
        migrations = read_migrations() if any(project.migrations_dir().glob("*.sql")) else []
        with replay_migrations(migrations) as old:
            beside = objects_only_in_migrations(read_schema(old)) if migrations else {}
            with build_desired_state(loading.result(), declared, beside) as new:
                yield old, new


def objects_only_in_migrations(schema: Schema) -> Schema:
    """What neither models nor files say, and migrations written by hand may: rules, partitions."""
    owned = {e.name for e in schema.values() if e.kind == "SEQUENCE OWNED BY"}
    parts = {e.name for e in schema.values() if e.kind == "TABLE ATTACH"}

    def belongs_to_models(entry: SchemaObject) -> bool:
        if is_declared(entry, schema):
            return True
        if not re.match(r"(COLUMN |TABLE )?public\.", entry.name):
            return False
        match entry.kind:
            case "TYPE":
                return " AS ENUM " in entry.create_sql
            case "SEQUENCE":
                return entry.name in owned or not entry.create_sql.startswith("CREATE")
            case "INDEX":
                on = re.search(r" ON (?:ONLY )?(\S+) ", entry.create_sql)
                return not on or on[1] not in parts
            case "TABLE":
                return entry.name not in parts
            case "COMMENT":
                return entry.create_sql.startswith(("COMMENT ON TABLE", "COMMENT ON COLUMN"))
            case "TABLE ATTACH" | "INDEX ATTACH":
                return False
        table, _, _ = entry.name.partition(" ")
        return entry.kind in {"DEFAULT", "SEQUENCE OWNED BY"} or (
            "CONSTRAINT" in entry.kind and table not in parts
        )

    return {label: entry for label, entry in schema.items() if not belongs_to_models(entry)}


@contextmanager
def before_and_after(migrations: list[Migration], count: int) -> Iterator[tuple[str, str]]:
    """Scratch databases without and with the last migrations, the second made from the first."""
    with (
        replay_migrations(migrations[:-count]) as before,
        scratch_database(before) as after,
    ):
        apply_to_scratch(after, count)
        yield before, after
