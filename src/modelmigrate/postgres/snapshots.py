"""Snapshots: databases that are cached to be cloned, each with its schema as its comment."""

import functools
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier, Literal

from modelmigrate.postgres.connection import connect, url_of_database
from modelmigrate.postgres.scratch import drop_database, later, wait_for_sessions
from modelmigrate.postgres.server import server_url
from modelmigrate.postgres.sessions import end_sessions

SNAPSHOT_PREFIX = "kept_"  # how the names of snapshots begin
MAX_SNAPSHOTS = 16
FORMAT = "5"  # of what describes a snapshot: to be raised when that is read or written otherwise
# A snapshot never changes, so it need not be dumped again. NULL for any other database.
STORED_SCHEMA = """
    SELECT CASE WHEN datname ~ ('^' || %s || '[0-9a-f]{32}$') THEN shobj_description(oid, 'pg_database') END
    FROM pg_database WHERE datname = current_database()"""
Read = TypeVar("Read")
# What was read of the databases that are in use, by their URLs and by what has read it.
_read: dict[str, dict[Callable[[str], Any], Any]] = {}
_users: Counter[str] = Counter()


def once(read: Callable[[str], Read]) -> Callable[[str], Read]:
    """Let what is read of a database be read once while it is `in_use`: it does not change. Nobody may
    change what is returned, either."""

    @functools.wraps(read)
    def known_or_read(url: str) -> Read:
        known: dict[Callable[[str], Any], Read] = _read.get(url, {})
        if read not in known:
            known[read] = read(url)
        return known[read]

    return known_or_read


@contextmanager
def cached_snapshot(names: list[str]) -> Iterator[str | None]:
    """The URL of the first of these snapshots that exists, if any; to be read and cloned only.

    There are none on the server of `DATABASE_URL`, which is not ours to fill.
    """
    if os.environ.get("DATABASE_URL"):
        yield None
        return
    url = server_url("scratch")
    with closing(connect(url)) as connection:
        query = "SELECT datname FROM pg_database WHERE datname = ANY(%s)"
        existing = {name for (name,) in connection.execute(query, [names])}
        found = next((name for name in names if name in existing), None)
        if found:  # the lock keeps other processes from dropping it; one of them may have done so
            connection.execute("SELECT pg_advisory_lock_shared(hashtextextended(%s, 0))", [found])
            if not connection.execute(query, [[found]]).rowcount:
                found = None
        with in_use(url_of_database(url, found)) if found else nullcontext() as found_url:
            yield found_url


@contextmanager
def in_use(url: str) -> Iterator[str]:
    """What is read of this database by `once` is known meanwhile: nobody changes it."""
    _read.setdefault(url, {})
    _users[url] += 1
    try:
        yield url
    finally:
        _users[url] -= 1
        if not _users[url]:
            del _read[url]


def save_snapshot(url: str, name: str, description: str) -> bool:
    """Make a snapshot of the scratch database at `url`, which must be without sessions, by renaming it;
    `description` is its schema. Returns False where the server is not ours, and nothing is renamed.

    Only the newest MAX_SNAPSHOTS are cached, since each takes 8 MB and more.
    """
    if os.environ.get("DATABASE_URL"):
        return False
    with closing(connect(server_url("scratch"))) as connection:
        scratch_name = str(conninfo_to_dict(url)["dbname"])
        snapshot = Identifier(name)
        end_sessions(url)
        wait_for_sessions(connection, scratch_name)
        # Another process may be saving the same snapshot at this very moment.
        with suppress(errors.DuplicateDatabase, errors.UniqueViolation):
            for statement in (
                SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(scratch_name), snapshot),
                SQL("COMMENT ON DATABASE {} IS {}").format(snapshot, Literal(description)),
                SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(snapshot),
            ):
                connection.execute(statement)
        newest_first = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY oid DESC",
            [SNAPSHOT_PREFIX],
        )
        for (old_snapshot,) in newest_first.fetchall()[MAX_SNAPSHOTS:]:
            later(functools.partial(_drop_old, old_snapshot))
    return True


def _drop_old(name: str) -> None:
    with closing(connect(server_url("scratch"))) as connection:
        _drop_if_unused(connection, name)


def _drop_if_unused(connection: psycopg.Connection[Any], name: str) -> None:
    lock = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
    [(unused,)] = connection.execute(lock, [name]).fetchall()
    if unused:
        drop_database(connection, server_url("scratch"), name)
        connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def copy_roles(url: str) -> None:
    """Create the roles of the server at `url` on our own scratch server, without password or login:
    migrations that are replayed there name them as owners and in GRANTs."""
    if os.environ.get("DATABASE_URL"):
        return
    roles = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'"
    with closing(connect(url)) as source, closing(connect(server_url("scratch"))) as connection:
        known = {name for (name,) in connection.execute(roles)}
        missing = [name for (name,) in source.execute(roles) if name not in known]
        for name in missing:
            with suppress(errors.DuplicateObject, errors.UniqueViolation):
                connection.execute(SQL("CREATE ROLE {}").format(Identifier(name)))
        if missing:  # snapshots that were made without these roles may lack their privileges
            snapshots = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
            for (snapshot,) in connection.execute(snapshots, [SNAPSHOT_PREFIX]).fetchall():
                _drop_if_unused(connection, snapshot)


def snapshot_name(*parts: str) -> str:
    """The name of the snapshot that is made of these texts: others have another name."""
    return SNAPSHOT_PREFIX + hashlib.sha256("\0".join([FORMAT, *parts]).encode()).hexdigest()[:32]
