"""Which database is meant: the developer's own, or one that `<NAME>_DATABASE_URL` names."""

import os
import re
import sys
import tomllib
from contextlib import closing, suppress
from typing import NamedTuple

from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.postgres.binaries import installation, server_version
from modelmigrate.postgres.connection import checked_url, connect, given_url, url_of_database
from modelmigrate.postgres.server import is_running, server_url

LOCAL = "local"


class ServerStatus(NamedTuple):
    """Where databases come from (`DATABASE_URL` or a folder of binaries), and whether it is up."""

    source: str
    version: str
    running: bool


def development_url() -> str:
    """The URL of the application's database; it and its server are made and started on demand.

    Raises:
        MigrateError: `DATABASE_URL` does not work, or there is no PostgreSQL to start.
    """
    if given := given_url():
        return given
    url, name = server_url("dev"), _database_name()
    with closing(connect(url)) as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
            # Another process may be making it at this very moment.
            with suppress(errors.DuplicateDatabase, errors.UniqueViolation):
                connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return url_of_database(url, name)


def server_status() -> ServerStatus:
    """What the tools work on, starting nothing.

    Raises:
        MigrateError: `DATABASE_URL` does not work, or there is no PostgreSQL to start.
    """
    if given := given_url():
        with closing(connect(given)) as connection:
            version = connection.info.parameter_status("server_version") or "unknown"
        return ServerStatus("DATABASE_URL", version, running=True)
    binaries = installation()
    return ServerStatus(str(binaries), server_version(binaries), is_running("dev"))


def _database_name() -> str:
    """The application's database is named like the project."""
    pyproject = project.root() / "pyproject.toml"
    text = pyproject.read_text("utf-8") if pyproject.exists() else ""
    name = tomllib.loads(text).get("project", {}).get("name", project.root().name)
    return re.sub(r"[^a-z0-9_]", "_", name.lower())[:63]


class Environment(NamedTuple):
    """A database, and what it is called."""

    name: str
    url: str

    @property
    def title(self) -> str:
        """Name, database and host; no password."""
        parts = conninfo_to_dict(self.url)
        host = f"{parts.get('host') or 'localhost'}:{parts.get('port') or 5432}"
        return f"{self.name} (database {parts.get('dbname')} on {host})"


def find_environment(name: str | None) -> Environment:
    """The environment of this name.

    Raises:
        MigrateError: its variable is not set, or there is no connection.
    """
    if name in (None, "", LOCAL):
        return Environment(LOCAL, development_url())
    variable = f"{re.sub(r'[^A-Z0-9]', '_', name.upper())}_DATABASE_URL"
    if not os.environ.get(variable):
        raise MigrateError(
            f"there is no environment {name}: {variable} is not set. Nothing was touched.\n"
            f"Set it, in the shell or in .env: {variable}=postgresql://user:password@host/database"
        )
    return Environment(name, checked_url(variable))


def confirm(environment: Environment, what: str, *, yes: bool) -> None:
    """Have a person say that a deployed database shall be changed; the local one may always be.

    Raises:
        MigrateError: nobody did (exit code 3).
    """
    if environment.name == LOCAL:
        return
    print(f"This will touch {environment.title}: {what}", flush=True)
    if yes:
        return
    if sys.stdin.isatty():
        if input(f"Type {environment.name} to go on: ").strip() == environment.name:
            return
        raise MigrateError("not confirmed. Nothing was changed.", Exit.REFUSED)
    raise MigrateError(
        "a deployed database wants a confirmation. Nothing was changed. Add: yes=1", Exit.REFUSED
    )
