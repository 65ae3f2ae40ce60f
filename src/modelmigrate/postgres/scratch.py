"""Scratch databases: made for one comparison or one proof, and dropped after it."""

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
from modelmigrate.postgres.server import server_url


@contextmanager
def scratch_database(template: str | None = None) -> Iterator[str]:
    """The URL of a new database, dropped in the end whoever is still connected to it.

    It is empty, or a clone of the database that the URL `template` names: one of the same server,
    with nobody connected to it.

    Raises:
        MigrateError: The database cannot be made; nothing is left of it.
    """
    given = given_url()
    url = given or server_url("scratch")
    name = f"scratch_{secrets.token_hex(8)}"
    with closing(connect(url)) as owner:
        if not given:
            _register_owner(owner, name)
        try:
            _create_database(owner, name, url, template)
            yield url_of_database(url, name)
        finally:
            # On a connection of its own: the owner's, idle for long, may have been cut.
            with closing(connect(url)) as connection:
                drop_database(connection, name)


def _register_owner(owner: psycopg.Connection[Any], name: str) -> None:
    """Marks `name` as in use while `owner` is connected, and drops those whose owner is gone."""
    owner.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
    abandoned = owner.execute(
        r"SELECT datname FROM pg_database WHERE datname LIKE 'scratch\_%'"
        " AND pg_try_advisory_lock(hashtextextended(datname, 0))"
    )
    for (database,) in abandoned.fetchall():
        drop_database(owner, database)


def _create_database(
    owner: psycopg.Connection[Any], name: str, url: str, template: str | None
) -> None:
    """CREATE DATABASE never yields an existing one: it cannot be the application's."""
    if template and url_of_database(template, "") != url_of_database(url, ""):
        raise MigrateError(
            "The template is not on the server of scratch databases: nothing cloned."
        )
    original = str(conninfo_to_dict(template)["dbname"]) if template else "template0"
    statement = SQL("CREATE DATABASE {} TEMPLATE {}")
    wait_for_sessions(owner, original)
    try:
        owner.execute(statement.format(Identifier(name), Identifier(original)))
    except errors.ObjectInUse as error:
        raise MigrateError(f"{error}\nNothing was cloned: close those connections first.") from None
    except errors.InsufficientPrivilege as error:
        raise MigrateError(
            f"{error}\nNo scratch database was made. Have an administrator run `ALTER ROLE"
            f' "{owner.info.user}" CREATEDB`, or unset DATABASE_URL: the project runs its own.'
        ) from None


def wait_for_sessions(connection: psycopg.Connection[Any], database: str) -> None:
    """A session that has just been closed ends a moment later; the server would sleep a tenth of a
    second at a time until it has."""
    sessions = "SELECT FROM pg_stat_activity WHERE datname = %s"
    for _ in range(20):
        if not connection.execute(sessions, [database]).rowcount:
            break
        time.sleep(0.005)


def drop_database(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
