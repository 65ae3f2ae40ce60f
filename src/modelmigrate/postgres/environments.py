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
from modelmigrate.errors import Exit, ToolError
from modelmigrate.postgres import binaries as binaries_
from modelmigrate.postgres import server
from modelmigrate.postgres.binaries import installation
from modelmigrate.postgres.connection import _given_url, _sibling, checked_url, connect
from modelmigrate.postgres.server import answers

LOCAL = "local"


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


def status() -> Status:
    """What the tools work on, starting nothing.

    Raises:
        ToolError: `DATABASE_URL` does not work, or there is no PostgreSQL to start.
    """
    if given := _given_url():
        with closing(connect(given)) as connection:
            version = connection.info.parameter_status("server_version") or "unknown"
        return Status("DATABASE_URL", version, running=True)
    binaries = installation()
    return Status(str(binaries), binaries_.version(binaries), answers("dev"))


def _application() -> str:
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


def find(name: str | None) -> Environment:
    """The environment of this name.

    Raises:
        ToolError: its variable is not set, or there is no connection.
    """
    if name in (None, "", LOCAL):
        return Environment(LOCAL, application_url())
    variable = f"{re.sub(r'[^A-Z0-9]', '_', name.upper())}_DATABASE_URL"
    if not os.environ.get(variable):
        raise ToolError(
            f"there is no environment {name}: {variable} is not set. Nothing was touched.\n"
            f"Set it, in the shell or in .env: {variable}=postgresql://user:password@host/database"
        )
    return Environment(name, checked_url(variable))


def confirm(environment: Environment, what: str, *, yes: bool) -> None:
    """Have a person say that a deployed database shall be changed; the local one may always be.

    Raises:
        ToolError: nobody did (exit code 3).
    """
    if environment.name == LOCAL:
        return
    print(f"This will touch {environment.title}: {what}", flush=True)
    if yes:
        return
    if sys.stdin.isatty():
        if input(f"Type {environment.name} to go on: ").strip() == environment.name:
            return
        raise ToolError("not confirmed. Nothing was changed.", Exit.REFUSED)
    raise ToolError(
        "a deployed database wants a confirmation. Nothing was changed. Add: yes=1", Exit.REFUSED
    )
