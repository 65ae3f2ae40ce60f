"""The states that schemas are compared in: databases that are made, cloned and thrown away.

What was once replayed is kept, since a clone takes a twentieth of a second however long the history.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from tools.errors import ToolError
from tools.schema import atlas, dump, objects, postgres, progress, sql
from tools.schema.dump import Entry, Schema
from tools.schema.history import Migration
from tools.schema.objects import Declared

AT_ONCE = 100
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
    with postgres.kept(prefixes) as template:
        done = next((n for n, name in enumerate(prefixes) if template and name in template), None)
        if done == 0 and template:
            yield template
            return
        with postgres.scratch_database(template) as url:
            if migrations:
                progress.at("replaying migrations")
                atlas.apply(url, len(migrations) if done is None else done)
            if not migrations or not postgres.keep(url, prefixes[0], dump.run_pg_dump(url)):
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
        place, text = objects.place(each.file), "\n".join(each.statements)
        if text in files:
            raise ToolError(f"{place} makes the same as {files[text]}. Nothing was written.")
        files[text] = place
    others = {entry.create: entry for entry in beside.values()}
    name = kept_name(ddl, *files, *others)
    with postgres.kept([name]) as found:
        if found:
            yield found
            return
    progress.at("making what the models say")
    with postgres.scratch_database() as url:
        failed = fill(url, [*tables, *files, *others])
        # A right to what is gone is gone with it.
        failed = {s: why for s, why in failed.items() if s not in others or not about(others[s])}
        reasons = [f"  {files.get(s, sql.in_short(s))}: {why}" for s, why in failed.items()]
        if reasons or (reasons := broken_bodies(url, files)):
            raise ToolError(
                "\n".join(["models, files and migrations do not go together:", *reasons])
                + "\nNothing was written. Change the models or the files. What only migrations"
                " make: declare it by make schema-declare, or drop it in a migration of its own."
            )
        if not postgres.keep(url, name, dump.run_pg_dump(url)):
            yield url
            return
    with modelled(ddl, declared, beside) as url:
        yield url


def about(entry: Entry) -> bool:
    """Whether an entry says something about another object."""
    return entry.kind in ("COMMENT", "OWNER") or entry.kind.endswith("ACL")


def without_not_valid(statement: str) -> list[str]:
    """A table with the constraints that are NOT VALID put behind it: inside, that goes unheeded."""
    if not statement.startswith("CREATE TABLE") or "NOT VALID" not in statement:
        return [statement]
    head, items, tail = sql.parts(statement)
    table = head.removeprefix("CREATE TABLE ").removesuffix("(").strip()
    later = [f"ALTER TABLE {table} ADD {each};" for each in items if each.endswith(" NOT VALID")]
    inside = ", ".join(each for each in items if not each.endswith(" NOT VALID"))
    return [f"{head}{inside}{tail}", *later]


def broken_bodies(url: str, files: dict[str, str]) -> list[str]:
    """What PostgreSQL objects to in the bodies of functions, now that all they use is there."""
    with closing(postgres.connect(url)) as connection:
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


def unlike(expected: Schema, found: Schema) -> list[dump.Difference]:
    """What differs in more than its spelling: PostgreSQL spells some expressions in another way
    once it has read what it had printed."""
    if not (differences := dump.compare(expected, found)):
        return []
    try:
        with rebuilt(expected) as one, rebuilt(found) as other:
            return dump.compare(dump.read(one), dump.read(other))
    except ToolError:  # half a plan may make a schema that nobody can
        return differences


@contextmanager
def rebuilt(schema: Schema) -> Iterator[str]:
    """The URL of a scratch database with this schema.

    Raises:
        ToolError: part of it cannot be made here, such as an extension that is not installed.
    """
    progress.at("rebuilding the live schema")
    with postgres.scratch_database() as url:
        if failed := fill(url, [entry.create for entry in schema.values()]):
            reasons = "\n".join(f"  {why}: {statement}" for statement, why in failed.items())
            raise ToolError(f"the schema cannot be rebuilt on the scratch server:\n{reasons}")
        yield url


def fill(url: str, statements: Iterable[str]) -> dict[str, str]:
    """Run statements in whatever order works; those that never do, with the reason."""
    waiting = list(filter(str.strip, statements))
    with closing(postgres.connect(url, check_function_bodies="off")) as connection:
        batches = [waiting[i : i + AT_ONCE] for i in range(0, len(waiting), AT_ONCE)]
        waiting = [s for batch in batches if not run(connection, *batch) for s in batch]
        while waiting:
            failed = {s: str(e) for s in waiting if (e := error_of(connection, s))}
            if len(failed) == len(waiting):
                return failed
            waiting = list(failed)
    return {}


def run(connection: psycopg.Connection[Any], *statements: str) -> bool:
    """Run statements, all or none; whether they could be."""
    return error_of(connection, "\n".join(statements)) is None


def error_of(connection: psycopg.Connection[Any], statement: str) -> psycopg.Error | None:
    """Run a statement; why it could not be, if so."""
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        return error
    return None


def kept_name(*parts: str) -> str:
    return postgres.KEPT + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
