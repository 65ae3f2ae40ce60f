"""The next migration, from what the models say and the migrations do not."""

from pathlib import Path
from typing import NamedTuple

from psycopg import errors

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
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

BY_HAND = """Nothing was written. Write a migration by hand for this part, migrations/<YYYYMMDDHHMMSS>_<name>.sql,
then make migrate-hash, and make migrate-create for the rest."""


class CreatedMigrations(NamedTuple):
    """What was written, and what Atlas has no word for."""

    files: list[Path]
    warnings: list[str]


def create_migrations(message: str, rename: str | None = None) -> CreatedMigrations:
    """Write the migrations that bring the database up to the models, with their down files.

    Raises:
        MigrateError: the message gives no file name, the models cannot be loaded, something looks
            renamed and nobody says whether it is, or there is no plan that can be proven. Nothing
            is written then.
    """
    name = file_name(message)
    warnings = [note for each in read_declared() for note in each.warnings]
    with current_and_desired() as (old, new):
        before, wanted = read_schema(old), read_schema(new)
        if not (differences := diff(wanted, before)):
            return CreatedMigrations([], warnings)
        renames = rename_statements(
            old, confirm_renames(possible_renames(old, new), rename), wanted
        )
        progress("planning")
        try:
            statements = plan_migration(old, new, wanted, renames)
            if not statements:  # it is spelt in another way, and that is all
                return CreatedMigrations([], warnings)
            progress("finding the way back, and proving both")
            files = split_and_verify(old, split_by_transaction(statements, before))
        except CannotPlanError as error:
            raise MigrateError(f"{error}\n{BY_HAND}", Exit.REFUSED) from None
        texts, downs = [text for text, _ in files], [down for _, down in files]
        contents = dict(zip(file_names(name, texts), texts, strict=True))
    return CreatedMigrations(
        write_migrations(contents, downs), warnings + undeclared_drops(differences)
    )


def split_and_verify(state: str, pieces: list[list[str]]) -> list[tuple[str, str]]:
    """The text of each file as Atlas can run it on the scratch database `state`, and of its way
    back.

    Raises:
        NoPlanError: one of them cannot be run in a transaction.
    """
    if not pieces:
        return []
    piece, *rest = pieces
    with scratch_database(state) as after:
        try:
            text = execute_as_migration(after, piece)
        except errors.UnsafeNewEnumValueUsage as error:
            values = [each for each in piece if ADD_ENUM_VALUE.match(strip_comments(each))]
            others = [each for each in piece if each not in values]
            if not values or not others:
                raise CannotPlanError(str(error)) from None
            return split_and_verify(state, [values, others, *rest])
        return [(text, generate_down(state, after)), *split_and_verify(after, rest)]


def undeclared_drops(differences: list[Change]) -> list[str]:
    """What is dropped because no file declares it."""
    return [
        f"note: drops {each.label}, which no file in {project.relative(project.sql_dir())} declares"
        for each in differences
        if each.kind in DECLARED_KINDS and not each.desired
    ]
