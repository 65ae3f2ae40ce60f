"""The states that schemas are compared in: databases that are made, cloned and thrown away.

What was once replayed is kept, since a clone takes a twentieth of a second however long the history.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

from modelmigrate import project
from modelmigrate.atlas import directory
from modelmigrate.atlas.commands import apply
from modelmigrate.atlas.directory import Migration
from modelmigrate.errors import ToolError
from modelmigrate.models.ddl import models_ddl
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.execute import error_of, fill
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.postgres.snapshots import keep, kept, kept_name
from modelmigrate.schema import declared as declared_
from modelmigrate.schema import dump
from modelmigrate.schema.declared import Declared, is_declared
from modelmigrate.schema.diff import Entry, Schema
from modelmigrate.schema.dump import run_pg_dump
from modelmigrate.schema.rebuild import about
from modelmigrate.sql import statements
from modelmigrate.sql.statements import in_short
from modelmigrate.terminal import at

CHECKS_OF_BODIES = """
    SELECT proname, format('SELECT %s(%s)', lanvalidator::regproc, p.oid)
    FROM pg_proc p JOIN pg_language l ON l.oid = prolang JOIN pg_namespace n ON n.oid = pronamespace
    WHERE lanvalidator <> 0 AND prokind <> 'a' AND nspname NOT IN ('pg_catalog', 'information_schema')
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')"""


@contextmanager
def replayed(migrations: list[Migration]) -> Iterator[str]:
    """The URL of a database to which the oldest migrations, these, were applied; to be read and
    cloned only.

    Raises:
        ToolError: one of them does not run from empty.
    """
    prefixes = [kept_name(m.version, m.hash) for m in reversed(migrations)]
    with kept(prefixes) as template:
        done = next((n for n, name in enumerate(prefixes) if template and name in template), None)
        if done == 0 and template:
            yield template
            return
        with scratch_database(template) as url:
            if migrations:
                at("replaying migrations")
                apply(url, len(migrations) if done is None else done)
            if not migrations or not keep(url, prefixes[0], run_pg_dump(url)):
                yield url
                return
    with replayed(migrations) as url:
        yield url


@contextmanager
def modelled(ddl: str, declared: list[Declared], beside: Schema) -> Iterator[str]:
    """The URL of a database with the tables of the models, the objects of the files, and what else
    stands beside them; to be read and cloned only.

    Raises:
        ToolError: part of it cannot be made.
    """
    tables = [part for each in ddl.split("\n\n") for part in without_not_valid(each)]
    files: dict[str, str] = {}
    for each in declared:
        place, text = project.place(each.file), "\n".join(each.statements)
        if text in files:
            raise ToolError(f"{place} makes the same as {files[text]}. Nothing was written.")
        files[text] = place
    others = {entry.create: entry for entry in beside.values()}
    name = kept_name(ddl, *files, *others)
    with kept([name]) as found:
        if found:
            yield found
            return
    at("making what the models say")
    with scratch_database() as url:
        failed = fill(url, [*tables, *files, *others])
        # A right to what is gone is gone with it.
        failed = {s: why for s, why in failed.items() if s not in others or not about(others[s])}
        reasons = [f"  {files.get(s, in_short(s))}: {why}" for s, why in failed.items()]
        if reasons or (reasons := broken_bodies(url, files)):
            raise ToolError(
                "\n".join(["models, files and migrations do not go together:", *reasons])
                + "\nNothing was written. Change the models or the files. What only migrations"
                " make: declare it by make schema-declare, or drop it in a migration of its own."
            )
        if not keep(url, name, run_pg_dump(url)):
            yield url
            return
    with modelled(ddl, declared, beside) as url:
        yield url


def without_not_valid(statement: str) -> list[str]:
    """A table with the constraints that are NOT VALID put behind it: inside, that goes unheeded."""
    if not statement.startswith("CREATE TABLE") or "NOT VALID" not in statement:
        return [statement]
    head, items, tail = statements.parts(statement)
    table = head.removeprefix("CREATE TABLE ").removesuffix("(").strip()
    later = [f"ALTER TABLE {table} ADD {each};" for each in items if each.endswith(" NOT VALID")]
    inside = ", ".join(each for each in items if not each.endswith(" NOT VALID"))
    return [f"{head}{inside}{tail}", *later]


def broken_bodies(url: str, files: dict[str, str]) -> list[str]:
    """What PostgreSQL objects to in the bodies of functions, now that all they use is there."""
    with closing(connect(url)) as connection:
        checks = connection.execute(CHECKS_OF_BODIES).fetchall()
        failed = [(name, error_of(connection, check)) for name, check in checks]
    return [f"  {declaring(name, files)}: {error}" for name, error in failed if error]


def declaring(name: str, files: dict[str, str]) -> str:
    """The file that makes a function, or all that make one of this name."""
    words = rf'\b(?:FUNCTION|PROCEDURE)\s+(?:\w+\.)?"?{re.escape(name)}"?\s*\('
    return (
        " or ".join(place for text, place in files.items() if re.search(words, text, re.IGNORECASE))
        or name
    )


@contextmanager
def states() -> Iterator[tuple[str, str]]:
    """Scratch databases: what the migrations make, and what the models say."""
    declared = declared_.read()
    with ThreadPoolExecutor() as pool:
        at("loading the models")
        loading = pool.submit(models_ddl)
        migrations = directory.migrations() if any(project.migrations_dir().glob("*.sql")) else []
        with replayed(migrations) as old:
            beside = not_for_models(dump.read(old)) if migrations else {}
            with modelled(loading.result(), declared, beside) as new:
                yield old, new


def not_for_models(schema: Schema) -> Schema:
    """What neither models nor files say, and migrations written by hand may: rules, partitions."""
    owned = {e.name for e in schema.values() if e.kind == "SEQUENCE OWNED BY"}
    parts = {e.name for e in schema.values() if e.kind == "TABLE ATTACH"}

    def belongs_to_models(entry: Entry) -> bool:
        if is_declared(entry, schema):
            return True
        if not re.match(r"(COLUMN |TABLE )?public\.", entry.name):
            return False
        match entry.kind:
            case "TYPE":
                return " AS ENUM " in entry.create
            case "SEQUENCE":
                return entry.name in owned or not entry.create.startswith("CREATE")
            case "INDEX":
                on = re.search(r" ON (?:ONLY )?(\S+) ", entry.create)
                return not on or on[1] not in parts
            case "TABLE":
                return entry.name not in parts
            case "COMMENT":
                return entry.create.startswith(("COMMENT ON TABLE", "COMMENT ON COLUMN"))
            case "TABLE ATTACH" | "INDEX ATTACH":
                return False
        table, _, _ = entry.name.partition(" ")
        return entry.kind in {"DEFAULT", "SEQUENCE OWNED BY"} or (
            "CONSTRAINT" in entry.kind and table not in parts
        )

    return {label: entry for label, entry in schema.items() if not belongs_to_models(entry)}


@contextmanager
def one_after_another(migrations: list[Migration], count: int) -> Iterator[tuple[str, str]]:
    """Scratch databases without and with the last migrations, the second made from the first."""
    with (
        replayed(migrations[:-count]) as before,
        scratch_database(before) as after,
    ):
        apply(after, count)
        yield before, after
