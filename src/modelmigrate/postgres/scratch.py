"""Scratch databases: created for one comparison or verification, and dropped after it."""

import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from modelmigrate.errors import MigrateError
from modelmigrate.postgres.connection import connect, given_url, url_of_database
from modelmigrate.postgres.execute import require_statement_to_blame
from modelmigrate.postgres.server import server_url


@contextmanager
def scratch_database(template: str | None = None) -> Iterator[str]:
    """The URL of a new database, which is dropped in the end even if sessions are still connected.

    It is empty, or a clone of the database at the URL `template`, which must be on the same server
    and without sessions.

    Raises:
        MigrateError: the database cannot be created; nothing is left of it.
    """
    given = given_url()
    url = given or server_url("scratch")
    name = f"scratch_{secrets.token_hex(8)}"
    with closing(connect(url)) as owner:
        if not given:
            _register_owner(owner, name)
        try:
            _create_database(owner, name, url, template, ours=not given)
            yield url_of_database(url, name)
        finally:
            try:
                drop_database(owner, name)
            except psycopg.OperationalError:  # idle for long, the connection may have been cut
                with closing(connect(url)) as connection:
                    drop_database(connection, name)


def _register_owner(owner: psycopg.Connection[Any], name: str) -> None:
    """Mark `name` as in use while `owner` is connected, and drop the databases whose owner is not
    connected any more."""
    owner.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
    abandoned = owner.execute(
        r"SELECT datname FROM pg_database WHERE datname LIKE 'scratch\_%'"
        " AND pg_try_advisory_lock(hashtextextended(datname, 0))"
    )
    for (database,) in abandoned.fetchall():
        drop_database(owner, database)


def _create_database(
    owner: psycopg.Connection[Any], name: str, url: str, template: str | None, *, ours: bool
) -> None:
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
    wait_for_sessions(owner, original)
    try:
        owner.execute(statement.format(Identifier(name), Identifier(original), strategy))
    except errors.ObjectInUse as error:
        raise MigrateError(f"{error}\nNothing was changed. Close those sessions first.") from None
    except errors.InsufficientPrivilege as error:
        raise MigrateError(
            f"{error}\nNothing was changed. Scratch databases need a privilege: have an administrator"
            f' run `ALTER ROLE "{owner.info.user}" CREATEDB`, or unset DATABASE_URL, and the project'
            " runs a server of its own."
        ) from None
    except psycopg.Error as error:
        require_statement_to_blame(error)
        raise


def wait_for_sessions(connection: psycopg.Connection[Any], database: str) -> None:
    """Wait until a database has no sessions, 0.1 seconds at most: one that has just been closed ends a
    moment later, and CREATE DATABASE would wait for it in steps of a tenth of a second."""
    sessions = "SELECT FROM pg_stat_activity WHERE datname = %s"
    for _ in range(20):
        if not connection.execute(sessions, [database]).rowcount:
            break
        time.sleep(0.005)


def drop_database(connection: psycopg.Connection[Any], name: str) -> None:
    """Drop a database if it exists, even if sessions are connected to it."""
    connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
