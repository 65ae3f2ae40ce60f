"""Connections to PostgreSQL, and the URLs that name its databases."""

import os
import re
from contextlib import closing
from typing import Any

import psycopg

from modelmigrate.errors import MigrateError

# Strict, so that no part of a password can be taken for a host or a port and end up in a message.
URL_PATTERN = re.compile(
    r"(?!.*%(?![0-9a-fA-F]{2}))postgres(ql)?://"
    r"([^@/?#]*@)?(\[[^]]*]|[^@:/?#]*)(:\d*)?/[^/?#]+(\?[^#]*)?"
)
APPLICATION_NAME = "modelmigrate"  # how the server lists our sessions


def connect(url: str, variable: str = "", **settings: str) -> psycopg.Connection[Any]:
    """A connection in autocommit mode; `settings` are run-time parameters of the server. Where the URL
    comes from the environment, `variable` is its name.

    Raises:
        MigrateError: it failed; the message holds no password.
    """
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    try:
        return psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=10,
            application_name=APPLICATION_NAME,
            options=options or None,
        )
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


def url_of_database(url: str, database: str) -> str:
    """The URL of another database of the same server."""
    return re.sub(r"^(\w+://[^/]*/)[^?]*", rf"\g<1>{database}", url)
