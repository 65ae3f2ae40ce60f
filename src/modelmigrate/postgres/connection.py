"""Connections to PostgreSQL, and the URLs that name its databases."""

import functools
import os
import re
import threading
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import Any

import psycopg

from modelmigrate.errors import MigrateError
from modelmigrate.isolation import OwnServer, own_server, without_libpq_variables
from modelmigrate.postgres.sessions import Session, is_kept, waiting_session

# Strict, so that no part of a password can be taken for a host or a port and end up in a message.
URL_PATTERN = re.compile(
    r"(?!.*%(?![0-9a-fA-F]{2}))postgres(ql)?://"
    r"([^@/?#]*@)?(\[[^]]*]|[^@:/?#]*)(:\d*)?/[^/?#]+(\?[^#]*)?"
)
APPLICATION_NAME = "modelmigrate"  # how the server lists our sessions
PROBE = "4711ms"  # a lock_timeout that nobody has
NO_FILE = f"{os.devnull}/none"  # of the device itself, libpq would say that it is no file
# The sockets of our servers that have told where their data is.
recognized: dict[Path, tuple[int, int] | None] = {}
connecting = threading.Lock()  # the environment is changed meanwhile, and it is that of all threads


def connect(url: str, variable: str = "", **settings: str) -> psycopg.Connection[Any]:
    """A connection in autocommit mode; `settings` are run-time parameters of the server. Where the URL
    comes from the environment, `variable` is its name.

    Raises:
        MigrateError: it failed; the message holds no password.
    """
    if session := waiting_session(url, settings):
        return session
    own = own_server(url)
    try:
        try:
            connection = open_session(url, **settings)
        except psycopg.OperationalError:
            if not own:
                raise
            own.start()  # it has ended since this process was told its URL
            connection = open_session(url, **settings)
    except psycopg.Error as error:
        hint = (
            f"Correct {variable}, or start its server."
            if variable
            else "The logs of the project's own servers are in .postgres."
        )
        if variable == "DATABASE_URL":
            hint += " Without it, the project runs a server of its own."
        raise MigrateError(
            f"cannot connect to PostgreSQL: {error}\nNothing was changed. {hint}"
        ) from None
    if own:
        _require_own(connection, own)
    return connection


def open_session(url: str, **settings: str) -> Session:
    """As `connect`, once, and without a look at who answers. What is set for libpq never reaches a
    server of our own.

    Raises:
        psycopg.Error: it failed.
    """
    kept = is_kept(url)
    options = "" if kept else " ".join(f"-c {name}={value}" for name, value in settings.items())
    own = own_server(url)
    with connecting, without_libpq_variables() if own else nullcontext():
        session = Session.connect(
            url,
            autocommit=True,
            prepare_threshold=None,  # what is prepared is gone where a session is used again
            connect_timeout=10,
            application_name=APPLICATION_NAME,
            client_encoding="UTF8",  # of a database in SQL_ASCII, names would come as bytes
            options=options or None,
            passfile=NO_FILE if own else None,
        )
    if kept:
        session.database_url = url
        session.set(settings)
    return session


def _require_own(connection: psycopg.Connection[Any], own: OwnServer) -> None:
    """Raise MigrateError, and close the connection, where another server answered."""
    socket = _socket_of(connection)
    if socket and recognized.get(own.data) == socket:
        return
    folder = "a folder that it does not tell"
    with suppress(psycopg.Error):
        [(folder,)] = connection.execute("SHOW data_directory").fetchall()
        if Path(folder).resolve() == own.data.resolve():
            recognized[own.data] = socket
            return
    where = f"{connection.info.host}:{connection.info.port}"
    version = connection.info.parameter_status("server_version")
    connection.close()
    raise MigrateError(
        f"another server answers at {where}: PostgreSQL {version} with its data in {folder}, where this"
        f" project's own, with {own.data}, should be. Nothing was changed. Stop that server or have it"
        " listen elsewhere; or, to use it, name it in DATABASE_URL."
    )


def has_answered(data: Path, host: str, port: str) -> bool:
    """Whether the server with this data has answered this process, at the socket that is there still:
    `connect` starts it again, should it have ended without a word."""
    socket = _socket_at(host, port)
    return socket is not None and recognized.get(data) == socket


def _socket_of(connection: psycopg.Connection[Any]) -> tuple[int, int] | None:
    return _socket_at(connection.info.host, str(connection.info.port))


def _socket_at(host: str, port: str) -> tuple[int, int] | None:
    """What tells the socket of a server from any that another would listen at; None for TCP, where one
    cannot know who answers the next time."""
    try:
        found = Path(host, f".s.PGSQL.{port}").stat()
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns


def given_url() -> str | None:
    """The URL in `DATABASE_URL`; None where the project runs its own servers.

    Raises:
        MigrateError: as for `checked_url`.
    """
    return checked_url("DATABASE_URL") if os.environ.get("DATABASE_URL") else None


def checked_url(variable: str) -> str:
    """The URL in an environment variable, after connecting to it once.

    Raises:
        MigrateError: it is malformed, or the connection fails.
    """
    url = os.environ[variable]
    if not URL_PATTERN.fullmatch(url):
        raise MigrateError(
            f"{variable} must read postgresql://user:password@host:port/database: no driver in"
            " the scheme, and special characters of the password as percent codes (@ is %40)."
            " Nothing was changed."
        )
    url = url.replace("postgres://", "postgresql://", 1)
    with closing(connect(url, variable)) as connection:
        plain_tcp = not connection.pgconn.ssl_in_use and not connection.info.host.startswith("/")
    if plain_tcp and "sslmode=" not in url:
        url += ("&" if "?" in url else "?") + "sslmode=disable"  # Atlas would insist on TLS
    return url


@functools.cache  # only of those that are all right
def require_sessions(url: str, variable: str) -> None:
    """Check that what is set when a session begins holds in it, as timeouts and locks have to. Through
    PgBouncer it never does, in no mode of its pools: it refuses the parameter, or ignores it. Other
    signs tell less: that the server's process has another number than was said at the start is so with
    proxies, too, that give everybody a session of his own.

    Raises:
        MigrateError: it does not, or the connection fails.
    """
    held = ""
    try:
        with (
            suppress(psycopg.Error),  # PgBouncer's own console has no such command
            closing(connect(url, variable, lock_timeout=PROBE)) as connection,
        ):
            [(held,)] = connection.execute("SHOW lock_timeout").fetchall()
    except MigrateError as error:
        if "unsupported startup parameter" not in str(error):
            raise
    if held != PROBE:
        raise MigrateError(
            f"{variable} leads to a connection pooler, such as PgBouncer: the timeouts and locks of a"
            " session do not hold through it. Nothing was changed. Name the PostgreSQL server itself"
            " there, by its own host and port."
        )


def url_of_database(url: str, database: str) -> str:
    """The URL of another database of the same server."""
    return re.sub(r"^(\w+://[^/]*/)[^?]*", rf"\g<1>{database}", url)
