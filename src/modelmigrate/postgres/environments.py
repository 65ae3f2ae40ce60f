"""Environments: the developer's own database, `local`, and those that `<NAME>_DATABASE_URL` names."""

import os
import re
from contextlib import closing, suppress
from typing import NamedTuple

from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.isolation import own_server
from modelmigrate.postgres.binaries import installation, server_version
from modelmigrate.postgres.connection import (
    checked_url,
    connect,
    given_url,
    require_sessions,
    url_of_database,
)
from modelmigrate.postgres.server import is_running, require_startable, server_url
from modelmigrate.terminal import ask, is_interactive, say

LOCAL = "local"


class ServerStatus(NamedTuple):
    """Where databases come from (`DATABASE_URL` or a folder of binaries), and whether it is up."""

    source: str
    version: str
    running: bool


def development_url() -> str:
    """The URL of the database of `local`: `DATABASE_URL`, or else one on the project's own server; both
    are created and started on demand.

    Raises:
        MigrateError: `DATABASE_URL` does not work, or there is no PostgreSQL to start.
    """
    if given := given_url():
        return given
    url, name = server_url("dev"), _database_name()
    with closing(connect(url)) as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
            # Another process may be creating it at this very moment.
            with suppress(errors.DuplicateDatabase, errors.UniqueViolation):
                connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return url_of_database(url, name)


def server_status() -> ServerStatus:
    """The server of the developer's database; it is not started.

    Raises:
        MigrateError: `DATABASE_URL` does not work, or there is no PostgreSQL to start.
    """
    if given := given_url():
        with closing(connect(given)) as connection:
            version = connection.info.parameter_status("server_version") or "unknown"
        return ServerStatus("DATABASE_URL", version, running=True)
    require_startable("dev")
    binaries = installation()
    return ServerStatus(str(binaries), server_version(binaries), is_running("dev"))


def _database_name() -> str:
    """The project's name, as PostgreSQL allows it without quotes."""
    return re.sub(r"[^a-z0-9_]", "_", project.name().lower())[:63]


class Environment(NamedTuple):
    """A database that migrations are applied to, and its name."""

    name: str
    """`local`, or as the option `env` names it."""
    url: str

    @property
    def title(self) -> str:
        """Name, database and host, for messages; no password."""
        parts = conninfo_to_dict(self.url)
        host = f"{parts.get('host') or 'localhost'}:{parts.get('port') or 5432}"
        return f"{self.name} (database {parts.get('dbname')} on {host})"


def variable_of(name: str) -> str:
    """The name of the variable that holds the URL of an environment."""
    return f"{re.sub(r'[^A-Z0-9]', '_', name.upper())}_DATABASE_URL"


def find_environment(name: str | None) -> Environment:
    """The environment of this name; without one, `local`.

    Raises:
        MigrateError: its variable is not set, the connection fails, or a pooler answers.
    """
    if name in (None, "", LOCAL):
        url = development_url()
        if not own_server(url):
            require_sessions(url, "DATABASE_URL")
        return Environment(LOCAL, url)
    variable = variable_of(name)
    if not os.environ.get(variable):
        raise MigrateError(
            f"there is no environment {name}: {variable} is not set. Nothing was changed.\n"
            f"Set it, in the shell or in .env: {variable}=postgresql://user:password@host/database"
        )
    url = checked_url(variable)
    require_sessions(url, variable)
    return Environment(name, url)


def confirm(environment: Environment, what: str, *, yes: bool) -> None:
    """Ask for a confirmation before a deployed database is changed; `local` needs none. `what` says the
    change, and `yes` confirms it.

    Raises:
        MigrateError: it is not confirmed (exit code 3).
    """
    if environment.name == LOCAL:
        return
    say(f"This will change {environment.title}: {what}")
    if yes:
        return
    if not is_interactive():
        raise MigrateError(
            "changes to a deployed database need a confirmation. Nothing was changed."
            f" Add: {project.option('yes')}",
            Exit.REFUSED,
        )
    if ask(f"Type {environment.name} to continue: ").strip() != environment.name:
        raise MigrateError("not confirmed. Nothing was changed.", Exit.REFUSED)
