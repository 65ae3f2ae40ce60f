"""Scratch databases: created for one comparison or verification, and dropped after it."""

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from modelmigrate.errors import MigrateError
from modelmigrate.postgres.binaries import installation, server_version
from modelmigrate.postgres.connection import (
    connect,
    given_url,
    require_sessions,
    url_of_database,
)
from modelmigrate.postgres.execute import require_statement_to_blame
from modelmigrate.postgres.server import require_startable, server_url
from modelmigrate.postgres.sessions import end_sessions, no_sessions, sessions_kept

# What keeps a database from being dropped: queries for the statements that remove it, run inside of it, in
# this order. A subscription is first parted from its slot, which is on another server.
HOLDERS = (
    """
    SELECT format('ALTER SUBSCRIPTION %I %s', subname, change)
    FROM pg_subscription, unnest(ARRAY['DISABLE', 'SET (slot_name = NONE)']) AS change
    WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())""",
    """
    SELECT format('DROP SUBSCRIPTION %I', subname) FROM pg_subscription
    WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())""",
    """
    SELECT format('SELECT pg_terminate_backend(%s, 5000)', active_pid) FROM pg_replication_slots
    WHERE database = current_database() AND active_pid IS NOT NULL""",
    """
    SELECT format('SELECT pg_drop_replication_slot(%L)', slot_name) FROM pg_replication_slots
    WHERE database = current_database()""",
    """
    SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts
    WHERE database = current_database()""",
    """
    SELECT format('ALTER DATABASE %I IS_TEMPLATE false', datname) FROM pg_database
    WHERE datname = current_database() AND datistemplate""",
)

# What was made ahead, by the template: what drops each, and its URL.
_ahead: dict[str | None, list[tuple[ExitStack, str]]] = {}
# What drops databases beside all else, where there are such threads.
_droppers: list[ThreadPoolExecutor] = []
# By the URL of a server: the session that tells others which databases are in use, and their names.
_owners: dict[str, psycopg.Connection[Any]] = {}
_owned_names: dict[str, set[str]] = {}
_owning = threading.Lock()


def why_not_comparable(url: str) -> str:
    """Why the schema of the database at `url` cannot be compared on this machine, in a few words; nothing
    where it can."""
    try:
        own = server_version(installation())  # its pg_dump reads schemas
        if not given_url():
            require_startable("scratch")
    except MigrateError as error:
        return str(error).partition(". Nothing was changed.")[0]
    with closing(connect(url)) as connection:
        theirs = connection.info.server_version // 10000
    if int(re.split(r"\D", own)[0]) < theirs:
        return f"PostgreSQL is {own} on this machine, and the server's is {theirs}"
    return ""


@contextmanager
def scratch_database(template: str | None = None) -> Iterator[str]:
    """The URL of a new database, which is dropped in the end even if sessions are still connected.

    It is empty, or a clone of the database at the URL `template`, which must be on the same server
    and without sessions.

    Raises:
        MigrateError: the database cannot be created; nothing is left of it.
    """
    drop, url = _taken(template) or _new_database(template)
    try:
        yield url
    finally:
        later(drop.close)


def _taken(template: str | None) -> tuple[ExitStack, str] | None:
    """What was made ahead, which is whoever's takes it."""
    try:
        return _ahead[template].pop()
    except (KeyError, IndexError):
        return None


@contextmanager
def made_ahead(template: str | None, count: int) -> Iterator[None]:
    """Make what the next `scratch_database(template)` will give, since there is something to wait for
    now; what nobody asks for is dropped in the end. None is made on the server of DATABASE_URL.

    Raises:
        MigrateError: one of them cannot be created; nothing is left of it.
    """
    made = _ahead.setdefault(template, [])
    try:
        for _ in range(0 if given_url() else count):
            made.append(_new_database(template))
        yield
    finally:
        while left := _taken(template):
            later(left[0].close)


@contextmanager
def dropped_beside() -> Iterator[None]:
    """Meanwhile, databases are dropped beside all else once nobody needs them. In the end, all of them are
    gone."""
    with ThreadPoolExecutor(2) as dropper:
        _droppers.append(dropper)
        try:
            yield
        finally:
            _droppers.remove(dropper)


def later(drop: Callable[[], object]) -> None:
    """Drop a database beside all else, or now where nothing is done beside."""
    if _droppers:
        _droppers[-1].submit(drop)
    else:
        drop()


def _new_database(template: str | None) -> tuple[ExitStack, str]:
    """What drops the database, and its URL."""
    if given := given_url():
        require_sessions(given, "DATABASE_URL")
    url = given or server_url("scratch")
    name = f"scratch_{secrets.token_hex(8)}"
    with ExitStack() as made:
        if not given:
            made.enter_context(sessions_kept(url))
            made.enter_context(_owned(url, name))
        made.callback(_drop, url, name)
        _create_database(name, url, template, ours=not given)
        own_url = made.enter_context(sessions_kept(url_of_database(url, name)))
        return made.pop_all(), own_url


def _drop(url: str, name: str) -> None:
    with closing(connect(url)) as connection:
        wait_for_sessions(connection, name)
        drop_database(connection, url, name)


@contextmanager
def _owned(url: str, name: str) -> Iterator[None]:
    """Mark `name` as in use while this process lives: by a lock of the one session that it has for all
    of its databases."""
    with _owning:
        names = _owned_names.setdefault(url, set())
        try:
            _lock(_owners[url], [name])
        except (KeyError, psycopg.OperationalError):  # none is there yet, or it was cut off
            _owners[url] = connect(url)
            _lock(_owners[url], [*names, name])
            _drop_abandoned(url)
        names.add(name)
    try:
        yield
    finally:
        with _owning:
            names.remove(name)
            if not names:
                _owners.pop(url).close()


@contextmanager
def _owner(url: str) -> Iterator[psycopg.Connection[Any]]:
    """The session that has the locks."""
    with _owning:
        yield _owners[url]


def _lock(owner: psycopg.Connection[Any], names: list[str]) -> None:
    query = "SELECT pg_advisory_lock(hashtextextended(name, 0)) FROM unnest(%s::text[]) AS name"
    owner.execute(query, [names])


def _drop_abandoned(url: str) -> None:
    """Drop the databases whose owner is not connected any more."""
    with closing(connect(url)) as connection:
        abandoned = connection.execute(
            r"SELECT datname FROM pg_database WHERE datname LIKE 'scratch\_%'"
            " AND pg_try_advisory_lock(hashtextextended(datname, 0))"
        )
        for (database,) in abandoned.fetchall():
            drop_database(connection, url, database)
    end_sessions(url)  # this one need not wait: with twenty processes at once, connections are few


def _create_database(name: str, url: str, template: str | None, *, ours: bool) -> None:
    # CREATE DATABASE fails where one of this name exists, so this never is the application's.
    if template and url_of_database(template, "") != url_of_database(url, ""):
        raise MigrateError(
            "the template is not on the server of the scratch databases. Nothing was changed."
        )
    original = str(conninfo_to_dict(template)["dbname"]) if template else "template0"
    # Copying files takes half the time of writing all of them to the log. It makes a checkpoint, too,
    # which costs nothing on our own server, but would on one that others work on.
    strategy = SQL("STRATEGY file_copy" if ours else "")
    statement = SQL("CREATE DATABASE {} TEMPLATE {} {}")
    session = _owner(url) if ours else closing(connect(url))
    with no_sessions(template or ""), session as connection:
        wait_for_sessions(connection, original)
        try:
            connection.execute(statement.format(Identifier(name), Identifier(original), strategy))
        except errors.ObjectInUse as error:
            raise MigrateError(
                f"{error}\nNothing was changed. Close those sessions first."
            ) from None
        except errors.InsufficientPrivilege as error:
            raise MigrateError(
                f"{error}\nNothing was changed. Scratch databases need a privilege: have an"
                f' administrator run `ALTER ROLE "{connection.info.user}" CREATEDB`, or unset'
                " DATABASE_URL, and the project runs a server of its own."
            ) from None
        except psycopg.Error as error:
            require_statement_to_blame(error)
            raise


def wait_for_sessions(connection: psycopg.Connection[Any], database: str) -> None:
    """Wait until a database has no sessions, 0.1 seconds at most: one that has just been closed ends a
    moment later, and CREATE DATABASE would wait for it in steps of a tenth of a second."""
    sessions = "SELECT pg_stat_get_db_numbackends(oid) FROM pg_database WHERE datname = %s"
    for _ in range(20):
        [(count,)] = connection.execute(sessions, [database]).fetchall() or [(0,)]
        if not count:
            break
        time.sleep(0.005)


def drop_database(connection: psycopg.Connection[Any], url: str, name: str) -> None:
    """Drop a database of the server at `url` if it exists, even if sessions are connected to it, or it
    takes part in a replication. One that cannot be dropped all the same is left alone: it disturbs
    nobody, and is tried again when the next scratch database is made.

    Raises:
        OperationalError: the connection was cut.
    """
    statement = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name))
    try:
        connection.execute(statement)
    except psycopg.Error:
        if connection.closed:
            raise
        release_database(url_of_database(url, name))
        with suppress(psycopg.Error):
            connection.execute(statement)


def release_database(url: str) -> None:
    """Remove what keeps a database from being dropped, as far as that is possible: see HOLDERS."""
    with (
        suppress(psycopg.Error, MigrateError),
        closing(connect(url, default_transaction_read_only="off")) as connection,
    ):
        for query in HOLDERS:
            with suppress(psycopg.Error):  # what holds it otherwise may still be removed
                for (statement,) in connection.execute(query).fetchall():
                    connection.execute(statement)
