"""The migrations as they are told: when, what, and whether each has a down migration."""

import re
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.atlas.directory import Migration
from modelmigrate.errors import MigrateError
from modelmigrate.inspect.site.contents import Contents
from modelmigrate.inspect.site.history import Record
from modelmigrate.migrations.down_files import IRREVERSIBLE
from modelmigrate.schema.diff import Change, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import replay_migrations

NOTE = re.compile(r"^-- (Rows may not allow it|Not restored)[^\n]*", re.MULTILINE)


class Told(NamedTuple):
    """A migration, and what is known of it."""

    migration: Migration
    record: Record
    sql: str
    down: str
    """Its down migration; empty where there is no file."""

    @property
    def title(self) -> str:
        """Its message, as far as the name of its file keeps it."""
        stem = self.migration.name.removesuffix(".sql").removeprefix(self.migration.version)
        return stem.strip("_").replace("_", " ") or self.migration.version

    @property
    def date(self) -> str:
        """When it was made, as its version says; empty where that is no time."""
        found = re.fullmatch(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)\d\d", self.migration.version)
        return "{}-{}-{} {}:{}".format(*found.groups()) if found else ""

    @property
    def rollback(self) -> str:
        """`reversible`, `irreversible`, `with losses`, or `no down migration`."""
        if not self.down:
            return "no down migration"
        if self.down.lstrip().startswith(IRREVERSIBLE):
            return "irreversible"
        return "with losses" if self.notes else "reversible"

    @property
    def notes(self) -> list[str]:
        """What the down migration says that it cannot do."""
        return [found[0].removeprefix("-- ") for found in NOTE.finditer(self.down)]


def tell_migrations(contents: Contents) -> list[Told]:
    """The migrations, the oldest first."""
    told = []
    for migration, record in zip(contents.migrations, contents.records, strict=True):
        file = project.down_dir() / migration.name
        down = file.read_text(encoding="utf-8") if file.is_file() else ""
        told.append(Told(migration, record, migration.sql, down))
    return told


def find_since(migrations: list[Migration], since: str) -> int:
    """How many migrations a version is made of.

    Raises:
        MigrateError: there is no such version.
    """
    for count, migration in enumerate(migrations, 1):
        if since in (migration.version, migration.name, migration.name.removesuffix(".sql")):
            return count
    raise MigrateError(
        f"there is no migration {since}. No file was written. Versions:"
        f" {', '.join(each.version for each in migrations[-10:])}"
    )


def changes_since(contents: Contents, count: int) -> list[Change]:
    """How the schema differs from that of the first so many migrations, object by object."""
    if not count:
        return diff({}, contents.schema)
    with replay_migrations(contents.migrations[:count]) as url:
        return diff(read_schema(url), contents.schema)
