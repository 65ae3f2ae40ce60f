"""The databases that the tools work on: of `DATABASE_URL`'s server when set, else of our own.

Our own servers (server.py): `dev` is durable and holds the application's database; `scratch`
trades durability for speed and holds only what can be made again.
"""

import os
import re
import secrets
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, NamedTuple

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from tools.errors import ToolError
from tools.schema import server
from tools.schema.server import PROJECT

# Strict, so that no part of a password can be taken for a host or a port and end up in a message.
GIVEN = re.compile(
    r"(?!.*%(?![0-9a-fA-F]{2}))postgres(ql)?://"
    r"([^@/?#]*@)?(\[[^]]*]|[^@:/?#]*)(:\d*)?/[^/?#]+(\?[^#]*)?"
)


class Status(NamedTuple):
    """Where databases come from (`DATABASE_URL` or a folder of binaries), and whether it is up."""

    source: str
    version: str
    running: bool


def application_url() -> str:
    """The URL of the application's database; it and its server are made and started on demand.

    Raises:
        ToolError: `DATABASE_URL` does not work, or there is no PostgreSQL to start.
    """
    if given := _given_url():
        return given
    url, name = server.url("dev"), _application()
    with closing(_connect(url)) as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
            # Another process may be making it at this very moment.
            with suppress(errors.DuplicateDatabase, errors.UniqueViolation):
                connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return _sibling(url, name)


@contextmanager
def scratch_database(template: str | None = None) -> Iterator[str]:
    """The URL of a new database, dropped in the end whoever is still connected to it.

    It is empty, or a clone of the database that the URL `template` names: one of the same server,
    with nobody connected to it.

    Raises:
        ToolError: The database cannot be made; nothing is left of it.
    """
    given = _given_url()
    url = given or server.url("scratch")
    name = f"scratch_{secrets.token_hex(8)}"
    with closing(_connect(url)) as owner:
        if not given:
            _claim(owner, name)
        try:
            _create(owner, name, url, template)
            yield _sibling(url, name)
        finally:
            # On a connection of its own: the owner's, idle for long, may have been cut.
            with closing(_connect(url)) as connection:
                _drop(connection, name)


def status() -> Status:
    """What the tools work on, starting nothing.

    Raises:
        ToolError: `DATABASE_URL` does not work, or there is no PostgreSQL to start.
    """
    if given := _given_url():
        with closing(_connect(given)) as connection:
            version = connection.info.parameter_status("server_version") or "unknown"
        return Status("DATABASE_URL", version, running=True)
    binaries = server.installation()
    return Status(str(binaries), server.version(binaries), server.answers("dev"))


def _given_url() -> str | None:
    """`DATABASE_URL`, proven to work."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        return None
    if not GIVEN.fullmatch(url):
        raise ToolError(
            "DATABASE_URL must read postgresql://user:password@host:port/database: no driver in"
            " the scheme, and special characters of the password as percent codes (@ is %40)."
            " Nothing was touched."
        )
    url = url.replace("postgres://", "postgresql://", 1)
    with closing(_connect(url)) as connection:
        plain_tcp = not connection.pgconn.ssl_in_use and not connection.info.host.startswith("/")
    if plain_tcp and "sslmode=" not in url:
        url += ("&" if "?" in url else "?") + "sslmode=disable"  # Atlas would insist on TLS
    return url


def _connect(url: str) -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.Error as error:
        raise ToolError(
            f"No connection to PostgreSQL: {error}\nNothing was touched. When DATABASE_URL is set,"
            " correct it or start its server (unset, the project runs its own); otherwise see the"
            " logs in .postgres."
        ) from None


def _sibling(url: str, database: str) -> str:
    """The URL of another database of the same server."""
    return re.sub(r"^(\w+://[^/]*/)[^?]*", rf"\g<1>{database}", url)


def _application() -> str:
    """The application's database is named like the project."""
    pyproject = PROJECT / "pyproject.toml"
    text = pyproject.read_text("utf-8") if pyproject.exists() else ""
    name = tomllib.loads(text).get("project", {}).get("name", PROJECT.name)
    return re.sub(r"[^a-z0-9_]", "_", name.lower())[:63]


def _claim(owner: psycopg.Connection[Any], name: str) -> None:
    """Marks `name` as in use while `owner` is connected, and drops those whose owner is gone."""
    owner.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
    abandoned = owner.execute(
        r"SELECT datname FROM pg_database WHERE datname LIKE 'scratch\_%'"
        " AND pg_try_advisory_lock(hashtextextended(datname, 0))"
    )
    for (database,) in abandoned.fetchall():
        _drop(owner, database)


def _create(owner: psycopg.Connection[Any], name: str, url: str, template: str | None) -> None:
    """CREATE DATABASE never yields an existing one: it cannot be the application's."""
    if template and _sibling(template, "") != _sibling(url, ""):
        raise ToolError("The template is not on the server of scratch databases: nothing cloned.")
    original = str(conninfo_to_dict(template)["dbname"]) if template else "template0"
    statement = SQL("CREATE DATABASE {} TEMPLATE {}")
    try:
        owner.execute(statement.format(Identifier(name), Identifier(original)))
    except errors.ObjectInUse as error:
        raise ToolError(f"{error}\nNothing was cloned: close those connections first.") from None
    except errors.InsufficientPrivilege as error:
        raise ToolError(
            f"{error}\nNo scratch database was made. Have an administrator run `ALTER ROLE"
            f' "{owner.info.user}" CREATEDB`, or unset DATABASE_URL: the project runs its own.'
        ) from None


def _drop(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
