"""The states that schemas are compared in: scratch databases that are built, cloned and dropped.

A state that was built once is kept as a snapshot, since cloning it takes a twentieth of a second,
however many migrations it holds.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.atlas.commands import REVISIONS_TABLE, apply_to_scratch
from modelmigrate.atlas.directory import Migration, has_migrations, read_migrations
from modelmigrate.errors import SchemaRefusedError
from modelmigrate.models.ddl import read_models_ddl
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.execute import compact, execute_in_any_order, try_execute
from modelmigrate.postgres.scratch import dropped_beside, scratch_database
from modelmigrate.postgres.sessions import sessions_kept
from modelmigrate.postgres.snapshots import cached_snapshot, in_use, save_snapshot, snapshot_name
from modelmigrate.schema.beside import not_made, notes_on_kept, objects_only_in_migrations
from modelmigrate.schema.catalog import catalog_objects
from modelmigrate.schema.declared import (
    DeclaredObject,
    files_by_statements,
    read_declared,
)
from modelmigrate.schema.diff import Schema, SchemaObject, describes_another
from modelmigrate.schema.dump import read_schema, save_schema
from modelmigrate.schema.failures import find_broken_bodies, tell_failures
from modelmigrate.schema.namespaces import schemas_made_for_models, schemas_of_models
from modelmigrate.sql.names import quote
from modelmigrate.sql.statements import split_parentheses
from modelmigrate.terminal import progress

# What comes before the tables, most of which would fail without, and have to be tried again.
USED_BY_TABLES = ("CREATE EXTENSION ", "CREATE DOMAIN ")

# A check, an index or a policy with `x IN ('a', 'b')` is printed differently once PostgreSQL has read
# what it printed. It is read twice here, so that it is the same as in a schema that migrations have made.
SPELL_AGAIN = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %2$I %s', conrelid::regclass,
                  conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0 AND coninhcount = 0
        AND pg_get_constraintdef(oid) LIKE '%ARRAY[%'
    UNION ALL
    SELECT format('DROP INDEX %s; %s', indexrelid::regclass, pg_get_indexdef(indexrelid))
    FROM pg_index WHERE pg_get_expr(indpred, indrelid) LIKE '%ARRAY[%'
    UNION ALL
    SELECT format('ALTER DOMAIN %s DROP CONSTRAINT %I; ALTER DOMAIN %1$s ADD CONSTRAINT %2$I %s',
                  contypid::regtype, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE contype = 'c' AND contypid >= 16384
        AND pg_get_constraintdef(oid) LIKE '%ARRAY[%'
    UNION ALL
    SELECT format('ALTER POLICY %I ON %s', polname, polrelid::regclass)
        || coalesce(' USING (' || pg_get_expr(polqual, polrelid) || ')', '')
        || coalesce(' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')', '')
    FROM pg_policy WHERE concat(pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
        LIKE '%ARRAY[%'"""


# --- building a state ---


@contextmanager
def replay_migrations(migrations: list[Migration]) -> Iterator[str]:
    """The URL of a database to which the oldest migrations, these, were applied; to be read and
    cloned only.

    Raises:
        MigrateError: one of them cannot be applied, beginning with an empty database.
    """
    # Every migration's hash covers those before it, so each name stands for all up to that one.
    names = [snapshot_name(each.version, each.hash) for each in reversed(migrations)]
    with open_or_build(names or [snapshot_name("empty")], apply_next if names else as_it_is) as url:
        yield url


@contextmanager
def open_or_build(names: list[str], build: Callable[[str, int], None]) -> Iterator[str]:
    """The URL of the snapshot `names[0]`, which is built and saved first where there is none; to be
    read and cloned only.

    `names` are the snapshots to start from, the most complete one first. `build` gets the URL of a
    clone of `names[count]`, or of an empty database, and that `count`: the steps that are missing.

    On the server of DATABASE_URL, where no snapshots are kept, it is a scratch database each time.
    """
    # 1. Find the most complete snapshot.
    with cached_snapshot(names) as found:
        count = next((n for n, name in enumerate(names) if found and name in found), len(names))
        if found and count == 0:
            yield found
            return
        # 2. Build the rest on a clone of it.
        with scratch_database(found) as url:
            build(url, count)
            # 3. Save that, for the next time.
            if not save_snapshot(url, names[0], save_schema(read_schema(url))):
                with in_use(url):
                    yield url
                return
    # 4. Open what was saved, here or by another process at the same time.
    with open_or_build(names, build) as url:
        yield url


def as_it_is(_url: str, _count: int) -> None:
    """Leave a scratch database empty."""


def apply_next(url: str, count: int) -> None:
    """Apply the next `count` migrations to a scratch database."""
    if count:
        progress("replaying migrations")
        apply_to_scratch(url, count)
        # After each statement Atlas writes the hashes of all that the file has had so far: after 8,000,
        # what it has written over takes 2.5 GB, and would be copied with each clone.
        compact(url, REVISIONS_TABLE)


@contextmanager
def build_desired_state(
    ddl: str,
    declared: list[DeclaredObject],
    migration_only_objects: Schema,
    abandoned_schemas: Iterable[str] = (),
) -> Iterator[str]:
    """The URL of a database with the tables of the models, the objects of the .sql files, and those
    that only migrations create; to be read and cloned only. Of the schemas that models had before, it
    has those that something is in.

    Raises:
        MigrateError: part of it cannot be created.
    """
    tables = [part for each in ddl.split("\n\n") for part in split_not_valid(each)]
    files = files_by_statements(declared)
    first = [text for text in files if text.startswith(USED_BY_TABLES)]
    others = [obj.create_sql for obj in migration_only_objects.values()]
    drops = [f"DROP SCHEMA IF EXISTS {quote(name)};" for name in sorted(abandoned_schemas)]

    def build(url: str, _: int) -> None:
        progress("building the desired schema")
        failed = execute_in_any_order(url, dict.fromkeys([*first, *tables, *files]))
        rest: dict[str, SchemaObject] = {}
        if others:  # which are the rest only of what is there then
            left = not_made(migration_only_objects, read_schema(url), failed)
            rest = {obj.create_sql: obj for obj in left.values()}
            failed = execute_in_any_order(url, [*failed, *rest])
        # Comments and privileges go with the object that they were for.
        failed = {
            statement: error
            for statement, error in failed.items()
            if statement not in rest or not describes_another(rest[statement])
        }
        if failed:
            raise cannot_build(tell_failures(failed, files, url))
        if broken := find_broken_bodies(url, files):
            raise cannot_build(broken)
        with closing(connect(url)) as connection:
            for (statement,) in connection.execute(SPELL_AGAIN).fetchall():
                connection.execute(statement)
            for statement in drops:
                try_execute(connection, statement)

    # In whatever order they come: SQLAlchemy prints the indexes of a table in another one each time.
    models = sorted(each.strip() for each in ddl.split("\n\n"))
    with open_or_build([snapshot_name(*models, *files, *others, *drops)], build) as url:
        yield url


def split_not_valid(statement: str) -> list[str]:
    """A CREATE TABLE with its NOT VALID constraints in statements of their own: inside a CREATE
    TABLE, PostgreSQL ignores NOT VALID."""
    if not statement.startswith("CREATE TABLE") or "NOT VALID" not in statement:
        return [statement]
    head, items, tail = split_parentheses(statement)
    table = head.removeprefix("CREATE TABLE ").removesuffix("(").strip()
    later = [f"ALTER TABLE {table} ADD {each};" for each in items if each.endswith(" NOT VALID")]
    inside = ", ".join(each for each in items if not each.endswith(" NOT VALID"))
    return [f"{head}{inside}{tail}", *later]


def cannot_build(reasons: list[str]) -> SchemaRefusedError:
    """The error for what PostgreSQL does not accept, with the reasons as lines."""
    lines = "\n".join(reasons)
    return SchemaRefusedError(
        "Cannot build the desired schema from the models, the .sql files and the objects that only"
        f" migrations create:\n{lines}\nNo file was written. Fix the models or the files. An object"
        f" that only migrations create: declare it ({project.command('declare')}), or drop it in a"
        " migration of its own."
    )


# --- pairs of states ---


class States(NamedTuple):
    """The URLs of two scratch databases: the migrations replayed, and what the models, the .sql files and
    the objects that only migrations create add up to."""

    current_url: str
    desired_url: str
    notes: list[str]
    """On what stays though no model declares it."""


@contextmanager
def current_and_desired(
    meanwhile: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> Iterator[States]:
    """The states that the next migration leads from and to; to be read and cloned only. `meanwhile` gets the
    URL of the current one while the models are loaded.

    Raises:
        MigrateError: the models cannot be loaded, or one of the two states cannot be built.
    """
    declared = read_declared()
    with dropped_beside(), ThreadPoolExecutor() as pool:
        progress("loading the models")
        ddl = pool.submit(read_models_ddl)
        migrations = read_migrations() if has_migrations() else []
        with replay_migrations(migrations) as current_url, meanwhile(current_url):
            current = read_schema(current_url)
            named = schemas_of_models(ddl.result())
            made = schemas_made_for_models(migrations)
            migration_only = objects_only_in_migrations(current, named, made) if migrations else {}
            with build_desired_state(
                ddl.result(), declared, migration_only, made - named
            ) as desired_url:
                models = ddl.result().split("\n\n")
                notes = notes_on_kept(migration_only, models, desired_url)
                yield States(current_url, desired_url, notes)


def read_ahead(url: str) -> None:
    """Read by one session what most commands ask of a snapshot, each with a session of its own."""
    with sessions_kept(url):
        read_schema(url)
        catalog_objects(url)


@contextmanager
def before_and_after(migrations: list[Migration], count: int) -> Iterator[tuple[str, str]]:
    """The URLs of two scratch databases, without and with the last `count` migrations; the second is
    made from a clone of the first.

    Raises:
        MigrateError: one of the migrations cannot be applied.
    """
    with (
        replay_migrations(migrations[:-count]) as before_url,
        scratch_database(before_url) as after_url,
    ):
        apply_to_scratch(after_url, count)
        yield before_url, after_url
