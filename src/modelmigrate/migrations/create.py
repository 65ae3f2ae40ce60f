"""The next migration, from what the models say and the migrations do not."""

from pathlib import Path
from typing import NamedTuple

from psycopg import errors

from modelmigrate import project
from modelmigrate.errors import Exit, SchemaRefusedError
from modelmigrate.migrations.down_files import generate_down
from modelmigrate.migrations.files import file_name, file_names, write_migrations
from modelmigrate.planning.context import CannotPlanError
from modelmigrate.planning.plan import plan_migration
from modelmigrate.planning.proof import execute_as_migration
from modelmigrate.planning.renames import confirm_renames, possible_renames, rename_statements
from modelmigrate.planning.transactions import split_by_transaction
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.declared import DECLARED_KINDS, read_declared
from modelmigrate.schema.diff import Change, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import current_and_desired
from modelmigrate.sql.patterns import ADD_ENUM_VALUE
from modelmigrate.sql.statements import strip_comments
from modelmigrate.terminal import progress


class CreatedMigrations(NamedTuple):
    """The files that were written, and what to look at in them."""

    files: list[Path]
    warnings: list[str]


def create_migrations(message: str, rename: str | None = None) -> CreatedMigrations:
    """Write the migrations that lead from the migrations' schema to that of the models, with their
    down migrations.

    Raises:
        MigrateError: the message gives no file name, the models cannot be loaded, a possible rename
            is not confirmed, or no plan can be verified. No file is written then.
    """
    name = file_name(message)
    warnings = [warning for each in read_declared() for warning in each.warnings]
    with current_and_desired() as (current_url, desired_url):
        current, desired = read_schema(current_url), read_schema(desired_url)
        if not (changes := diff(desired, current)):
            return CreatedMigrations([], warnings)
        confirmed = confirm_renames(possible_renames(current_url, desired_url), rename)
        renames = rename_statements(current_url, confirmed, desired)
        progress("planning")
        try:
            statements = plan_migration(current_url, desired_url, desired, renames)
            if not statements:  # only the formatting differs
                return CreatedMigrations([], warnings)
            progress("generating the down migration and verifying both directions")
            groups = split_by_transaction(statements, current)
            files = split_and_verify(current_url, groups)
        except CannotPlanError as error:
            raise SchemaRefusedError(f"{error}\n{_by_hand()}", Exit.REFUSED) from None
        texts, downs = [text for text, _ in files], [down for _, down in files]
        contents = dict(zip(file_names(name, texts), texts, strict=True))
    written = write_migrations(contents, downs)
    return CreatedMigrations(written, warnings + undeclared_drops(changes))


def split_and_verify(current_url: str, groups: list[list[str]]) -> list[tuple[str, str]]:
    """The text of each file, as Atlas can run it on the scratch database `current_url`, and of its
    down migration.

    Raises:
        CannotPlanError: one of them cannot be run in a transaction.
    """
    if not groups:
        return []
    group, *rest = groups
    with scratch_database(current_url) as after_url:
        try:
            text = execute_as_migration(after_url, group)
        except errors.UnsafeNewEnumValueUsage as error:
            values = [each for each in group if ADD_ENUM_VALUE.match(strip_comments(each))]
            others = [each for each in group if each not in values]
            if not values or not others:
                raise CannotPlanError(str(error)) from None
            return split_and_verify(current_url, [values, others, *rest])
        down = generate_down(current_url, after_url)
        return [(text, down), *split_and_verify(after_url, rest)]


def undeclared_drops(changes: list[Change]) -> list[str]:
    """What is dropped because no file declares it."""
    folder = project.relative(project.sql_dir())
    return [
        f"note: drops {change.label}, which no file in {folder} declares"
        for change in changes
        if change.kind in DECLARED_KINDS and not change.desired
    ]


def _by_hand() -> str:
    return (
        "No file was written. Write this part by hand, migrations/<YYYYMMDDHHMMSS>_<name>.sql, then"
        f" {project.command('hash')}, and create the rest."
    )
