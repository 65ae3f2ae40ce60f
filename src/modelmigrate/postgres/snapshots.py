"""Databases that are kept to be cloned, each with the dump of its schema."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier, Literal

from modelmigrate.postgres.connection import connect, url_of_database
from modelmigrate.postgres.scratch import drop_database, wait_for_sessions
from modelmigrate.postgres.server import server_url

SNAPSHOT_PREFIX = "kept_"  # how databases that are kept to be cloned are named
MAX_SNAPSHOTS = 12
# A database that is kept to be cloned never changes; its dump is its description.
STORED_DUMP = """
    SELECT CASE WHEN datname ~ ('^' || %s || '[0-9a-f]{32}$') THEN shobj_description(oid, 'pg_database') END
    FROM pg_database WHERE datname = current_database()"""


@contextmanager
def cached_snapshot(names: list[str]) -> Iterator[str | None]:
    """The URL of the first of these databases that was kept, if any; to be read and cloned only.

    None are kept on the server of `DATABASE_URL`, which is not ours to fill.
    """
    if os.environ.get("DATABASE_URL"):
        yield None
        return
    url = server_url("scratch")
    with closing(connect(url)) as connection:
        query = "SELECT datname FROM pg_database WHERE datname = ANY(%s)"
        there = {name for (name,) in connection.execute(query, [names])}
        found = [name for name in names if name in there][:1]
        for name in found:  # nobody may drop it meanwhile
            connection.execute("SELECT pg_advisory_lock_shared(hashtextextended(%s, 0))", [name])
            if not connection.execute(query, [[name]]).rowcount:
                found = []
        yield url_of_database(url, found[0]) if found else None


def save_snapshot(url: str, name: str, description: str) -> bool:
    """Keep the scratch database at `url`, to which nobody is connected, under another name;
    whether that is done here.

    Only the newest few are kept, since each weighs 8 MB and more.
    """
    if os.environ.get("DATABASE_URL"):
        return False
    with closing(connect(server_url("scratch"))) as connection:
        scratch = str(conninfo_to_dict(url)["dbname"])
        database = Identifier(name)
        wait_for_sessions(connection, scratch)
        # Another process may be keeping the same at this very moment.
        with suppress(errors.DuplicateDatabase, errors.UniqueViolation):
            for statement in (
                SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(scratch), database),
                SQL("COMMENT ON DATABASE {} IS {}").format(database, Literal(description)),
                SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(database),
            ):
                connection.execute(statement)
        others = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY oid DESC",
            [SNAPSHOT_PREFIX],
        )
        for (other,) in others.fetchall()[MAX_SNAPSHOTS:]:
            _drop_if_unused(connection, other)
    return True


def _drop_if_unused(connection: psycopg.Connection[Any], name: str) -> None:
    lock = "pg_try_advisory_lock(hashtextextended(%s, 0))"
    [(free,)] = connection.execute(f"SELECT {lock}".encode(), [name]).fetchall()
    if free:
        drop_database(connection, name)
        connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def copy_roles(url: str) -> None:
    """Give our own scratch server the roles of the server at `url`, as bare names that own and get
    rights: what is replayed there could not name them otherwise."""
    if os.environ.get("DATABASE_URL"):
        return
    roles = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'"
    with closing(connect(url)) as source, closing(connect(server_url("scratch"))) as connection:
        known = {name for (name,) in connection.execute(roles)}
        missing = [name for (name,) in source.execute(roles) if name not in known]
        for name in missing:
            with suppress(errors.DuplicateObject, errors.UniqueViolation):
                connection.execute(SQL("CREATE ROLE {}").format(Identifier(name)))
        if missing:  # what was replayed without them may say less
            stale = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
            for (database,) in connection.execute(stale, [SNAPSHOT_PREFIX]).fetchall():
                _drop_if_unused(connection, database)


def snapshot_name(*parts: str) -> str:
    return SNAPSHOT_PREFIX + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
