"""The database that a command works on, with all that the command reads of it and of the project."""

from dataclasses import dataclass, replace
from functools import cached_property

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.migrations.revisions import MigrationStatus, read_status, require_consistent
from modelmigrate.postgres.environments import LOCAL, Environment, find_environment
from modelmigrate.project import Settings
from modelmigrate.schema.diff import Change, Schema, diff, filter_ignored
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import diff_normalized


@dataclass(frozen=True)
class Target:
    """Read once, and handed down: what two steps of a command see is the same."""

    environment: Environment
    settings: Settings

    @property
    def name(self) -> str:
        return self.environment.name

    @property
    def url(self) -> str:
        return self.environment.url

    @property
    def title(self) -> str:
        """Name, database and host; no password."""
        return self.environment.title

    @property
    def option(self) -> str | None:
        """What `env` has to be in a command for this database: nothing for the local one."""
        return None if self.name == LOCAL else self.name

    @cached_property
    def status(self) -> MigrationStatus:
        """What is applied and what is pending.

        Raises:
            MigrateError: files and revision table do not match (exit code 4).
        """
        status = read_status(self.url)
        require_consistent(status)
        return status

    @cached_property
    def schema(self) -> Schema:
        """The live schema."""
        return read_schema(self.url)

    def refreshed(self) -> "Target":
        """The same database, to be read again: something was applied to it, or may have been."""
        return replace(self)

    def changes_from(self, expected: Schema) -> list[Change]:
        """How the live schema differs from the expected one, but for what the project ignores."""
        if not filter_ignored(diff(expected, self.schema), self.settings.ignore):
            return []
        return filter_ignored(diff_normalized(expected, self.schema), self.settings.ignore)


def find_target(env: str | None) -> Target:
    """The database of this environment; the developer's own without a name.

    Raises:
        MigrateError: its variable is not set, there is no connection, or a setting is wrong.
    """
    settings = project.settings()  # before a server is started for it
    return Target(find_environment(env), settings)


def require_completed(status: MigrationStatus) -> None:
    """Raise MigrateError where a migration is partially applied."""
    if status.partially_applied:
        raise MigrateError(
            f"{status.pending[0].name} is partially applied: {status.partially_applied}\nNothing was"
            f" changed. Complete it first: fix what failed, then {project.command('apply')}"
        )
