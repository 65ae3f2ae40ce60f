"""The states that schemas are compared in: databases that are made, cloned and thrown away.

What was once replayed is kept, since a clone takes a twentieth of a second however long the history.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from tools.errors import ToolError
from tools.schema import atlas, dump, postgres, progress
from tools.schema.dump import Schema
from tools.schema.history import Migration

AT_ONCE = 100


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
def modelled(ddl: str, beside: Schema) -> Iterator[str]:
    """The URL of a database with the tables of the models, and what stands beside them; to be read
    and cloned only.

    Raises:
        ToolError: part of it cannot be made.
    """
    others = [entry.create for entry in beside.values()]
    name = kept_name(ddl, *others)
    with postgres.kept([name]) as found:
        if found:
            yield found
            return
    progress.at("making what the models say")
    with postgres.scratch_database() as url:
        if failed := fill(url, [*ddl.split("\n\n"), *others]):
            reasons = "\n".join(f"  {why}: {statement}" for statement, why in failed.items())
            raise ToolError(
                f"what the models and the migrations declare does not go together:\n{reasons}\n"
                "Nothing was written. Change the models, or drop the object in a migration of"
                " its own first."
            )
        if not postgres.keep(url, name, dump.run_pg_dump(url)):
            yield url
            return
    with modelled(ddl, beside) as url:
        yield url


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
