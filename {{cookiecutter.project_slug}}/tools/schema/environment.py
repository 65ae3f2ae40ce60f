"""Which database is meant: the developer's own, or one that `<NAME>_DATABASE_URL` names."""

import os
import re
import sys
from typing import NamedTuple

from psycopg.conninfo import conninfo_to_dict

from tools.errors import Exit, ToolError
from tools.schema import postgres

LOCAL = "local"


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
        return Environment(LOCAL, postgres.application_url())
    variable = f"{re.sub(r'[^A-Z0-9]', '_', name.upper())}_DATABASE_URL"
    if not os.environ.get(variable):
        raise ToolError(
            f"there is no environment {name}: {variable} is not set. Nothing was touched.\n"
            f"Set it, in the shell or in .env: {variable}=postgresql://user:password@host/database"
        )
    return Environment(name, postgres.checked_url(variable))


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
