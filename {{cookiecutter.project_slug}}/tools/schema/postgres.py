"""The databases that the tools work on: of `DATABASE_URL`'s server when set, else of our own.

Our own servers (server.py): `dev` is durable and holds the application's database; `scratch`
trades durability for speed and holds only what can be made again.
"""

import os
import re
import secrets
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, NamedTuple

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier, Literal

from tools.errors import ToolError
from tools.schema import server
from tools.schema.server import PROJECT

# Strict, so that no part of a password can be taken for a host or a port and end up in a message.
GIVEN = re.compile(
    r"(?!.*%(?![0-9a-fA-F]{2}))postgres(ql)?://"
    r"([^@/?#]*@)?(\[[^]]*]|[^@:/?#]*)(:\d*)?/[^/?#]+(\?[^#]*)?"
)


APPLICATION = "tools.schema"  # how the server lists our sessions
KEPT = "kept_"  # how databases that are kept to be cloned are named
MOST_KEPT = 12


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
    with closing(connect(url)) as connection:
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
    with closing(connect(url)) as owner:
        if not given:
            _claim(owner, name)
        try:
            _create(owner, name, url, template)
            yield _sibling(url, name)
        finally:
            # On a connection of its own: the owner's, idle for long, may have been cut.
            with closing(connect(url)) as connection:
                _drop(connection, name)


@contextmanager
def kept(names: list[str]) -> Iterator[str | None]:
    """The URL of the first of these databases that was kept, if any; to be read and cloned only.

    None are kept on the server of `DATABASE_URL`, which is not ours to fill.
    """
    if os.environ.get("DATABASE_URL"):
        yield None
        return
    url = server.url("scratch")
    with closing(connect(url)) as connection:
        query = "SELECT datname FROM pg_database WHERE datname = ANY(%s)"
        there = {name for (name,) in connection.execute(query, [names])}
        found = [name for name in names if name in there][:1]
        for name in found:  # nobody may drop it meanwhile
            connection.execute("SELECT pg_advisory_lock_shared(hashtextextended(%s, 0))", [name])
            if not connection.execute(query, [[name]]).rowcount:
                found = []
        yield _sibling(url, found[0]) if found else None


def keep(url: str, name: str, description: str) -> bool:
    """Keep the scratch database at `url`, to which nobody is connected, under another name;
    whether that is done here.

    Only the newest few are kept, since each weighs 8 MB and more.
    """
    if os.environ.get("DATABASE_URL"):
        return False
    with closing(connect(server.url("scratch"))) as connection:
        scratch = str(conninfo_to_dict(url)["dbname"])
        database = Identifier(name)
        _wait_for_sessions(connection, scratch)
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
            [KEPT],
        )
        for (other,) in others.fetchall()[MOST_KEPT:]:
            _drop_unused(connection, other)
    return True


def _drop_unused(connection: psycopg.Connection[Any], name: str) -> None:
    lock = "pg_try_advisory_lock(hashtextextended(%s, 0))"
    [(free,)] = connection.execute(f"SELECT {lock}".encode(), [name]).fetchall()
    if free:
        _drop(connection, name)
        connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def copy_roles(url: str) -> None:
    """Give our own scratch server the roles of the server at `url`, as bare names that own and get
    rights: what is replayed there could not name them otherwise."""
    if os.environ.get("DATABASE_URL"):
        return
    roles = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'"
    with closing(connect(url)) as source, closing(connect(server.url("scratch"))) as connection:
        known = {name for (name,) in connection.execute(roles)}
        missing = [name for (name,) in source.execute(roles) if name not in known]
        for name in missing:
            with suppress(errors.DuplicateObject, errors.UniqueViolation):
                connection.execute(SQL("CREATE ROLE {}").format(Identifier(name)))
        if missing:  # what was replayed without them may say less
            stale = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
            for (database,) in connection.execute(stale, [KEPT]).fetchall():
                _drop_unused(connection, database)


def status() -> Status:
    """What the tools work on, starting nothing.

    Raises:
        ToolError: `DATABASE_URL` does not work, or there is no PostgreSQL to start.
    """
    if given := _given_url():
        with closing(connect(given)) as connection:
            version = connection.info.parameter_status("server_version") or "unknown"
        return Status("DATABASE_URL", version, running=True)
    binaries = server.installation()
    return Status(str(binaries), server.version(binaries), server.answers("dev"))


def _given_url() -> str | None:
    return checked_url("DATABASE_URL") if os.environ.get("DATABASE_URL") else None


def checked_url(variable: str) -> str:
    """The URL in an environment variable, proven to work.

    Raises:
        ToolError: It is malformed, or there is no connection.
    """
    url = os.environ[variable]
    if not GIVEN.fullmatch(url):
        raise ToolError(
            f"{variable} must read postgresql://user:password@host:port/database: no driver in"
            " the scheme, and special characters of the password as percent codes (@ is %40)."
            " Nothing was touched."
        )
    url = url.replace("postgres://", "postgresql://", 1)
    with closing(connect(url)) as connection:
        plain_tcp = not connection.pgconn.ssl_in_use and not connection.info.host.startswith("/")
    if plain_tcp and "sslmode=" not in url:
        url += ("&" if "?" in url else "?") + "sslmode=disable"  # Atlas would insist on TLS
    return url


def connect(url: str, **settings: str) -> psycopg.Connection[Any]:
    """A connection in autocommit mode; `settings` are run-time parameters of the server.

    Raises:
        ToolError: there is none to be had; no password is in the message.
    """
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    try:
        return psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=10,
            application_name=APPLICATION,
            options=options or None,
        )
    except psycopg.Error as error:
        raise ToolError(
            f"No connection to PostgreSQL: {error}\nNothing was touched. When DATABASE_URL, or that"
            " of an environment, is set, correct it or start its server (unset, the project runs its"
            " own); otherwise see the logs in .postgres."
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
    _wait_for_sessions(owner, original)
    try:
        owner.execute(statement.format(Identifier(name), Identifier(original)))
    except errors.ObjectInUse as error:
        raise ToolError(f"{error}\nNothing was cloned: close those connections first.") from None
    except errors.InsufficientPrivilege as error:
        raise ToolError(
            f"{error}\nNo scratch database was made. Have an administrator run `ALTER ROLE"
            f' "{owner.info.user}" CREATEDB`, or unset DATABASE_URL: the project runs its own.'
        ) from None


def _wait_for_sessions(connection: psycopg.Connection[Any], database: str) -> None:
    """A session that has just been closed ends a moment later; the server would sleep a tenth of a
    second at a time until it has."""
    sessions = "SELECT FROM pg_stat_activity WHERE datname = %s"
    for _ in range(20):
        if not connection.execute(sessions, [database]).rowcount:
            break
        time.sleep(0.005)


def _drop(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
