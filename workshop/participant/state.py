"""What the check of an exercise looks at: the models, the migrations, the database."""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from modelmigrate import project
from modelmigrate.atlas.directory import read_migrations
from modelmigrate.check import check_in_sync
from modelmigrate.drift.detect import detect_drift
from modelmigrate.errors import MigrateError
from modelmigrate.git import git
from modelmigrate.migrations.target import Target, find_target
from modelmigrate.models.loader import load_models
from modelmigrate.postgres.connection import connect
from sqlalchemy import Column, MetaData

from workshop.participant.exercise import Exercise

SELECT_COLUMN = """
    SELECT format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped
"""
# From here on, a message of modelmigrate says what to type.
ADVICE = re.compile(r"\n(?:No file was written|Nothing was changed)\.")


@dataclass(frozen=True)
class State:
    """A participant's project, in the midst of an exercise; each thing is read when it is asked for."""

    exercise: Exercise

    @cached_property
    def target(self) -> Target:
        """The participant's own database."""
        return find_target(None)

    @cached_property
    def models(self) -> MetaData:
        """The tables as the models say them.

        Raises:
            MigrateError: the models cannot be loaded.
        """
        try:
            return load_models(project.root()).metadata
        except SystemExit as error:
            raise MigrateError(f"The models cannot be loaded. {error}") from None

    @cached_property
    def new_migrations(self) -> dict[str, str]:
        """The SQL of the migrations that the start does not have, by their names, oldest first."""
        listing = git("ls-tree", "--name-only", self.exercise.start, "migrations/")
        known = {name.rpartition("/")[2] for name in listing.splitlines()}
        files = sorted(project.migrations_dir().glob("*.sql"))
        return {
            file.name: file.read_text(encoding="utf-8") for file in files if file.name not in known
        }

    def model_column(self, table: str, name: str) -> Column[Any] | None:
        """A column as the models say it; None where they do not."""
        return self.models.tables[table].columns.get(name) if table in self.models.tables else None

    def column_type(self, table: str, name: str) -> str | None:
        """The type of a column in the database; None where there is no such column."""
        rows = self.query(SELECT_COLUMN, table, name)
        return str(rows[0][0]) if rows else None

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows that a query of the database gives."""
        with closing(connect(self.target.url, default_transaction_read_only="on")) as connection:
            return connection.execute(sql.encode(), parameters).fetchall()

    def unapplied(self) -> Iterator[str]:
        """Why the database is not at the version of the migration files."""
        read_migrations()  # raises where a file was edited and not accepted
        names = [migration.name for migration in self.target.status.pending]
        if names:
            yield f"Your database has not seen {', '.join(names)} yet: it is pending."

    def disagreement(self) -> Iterator[str]:
        """Why models, migrations and database do not say the same. It replays the migrations."""
        yield from self.unapplied()
        for look in (check_in_sync, lambda: detect_drift(self.target)):
            try:
                look()
            except MigrateError as error:
                yield ADVICE.split(str(error))[0]
