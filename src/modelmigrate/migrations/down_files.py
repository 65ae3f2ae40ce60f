"""Down migrations: a file beside each migration, verified when it is made and again before it runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.atlas.commands import apply_to_scratch
from modelmigrate.atlas.directory import Migration, read_migrations
from modelmigrate.atlas.refused_statements import refused_statements
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.not_restored import find_not_restored
from modelmigrate.planning.contents import Contents, read_contents, still_there
from modelmigrate.planning.context import CannotPlanError
from modelmigrate.planning.inverse import NoInverseError, inverse_plan
from modelmigrate.planning.names import restore_names
from modelmigrate.planning.plan import plan_schema_change
from modelmigrate.planning.proof import ROWS_DO_NOT_ALLOW, verified_script
from modelmigrate.planning.rows import delete_rows, fill_with_rows
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.catalog import catalog_objects
from modelmigrate.schema.diff import Schema
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import replay_migrations
from modelmigrate.terminal import progress

IRREVERSIBLE = "-- irreversible: "
ROWS = "-- Rows may not allow it; then it is refused, and changes nothing. With made-up rows: "
HEADER = "-- Generated down migration. Verified: restores the exact previous schema.\n"


class State(NamedTuple):
    """One side of a migration: a scratch database."""

    url: str
    schema: Schema
    contents: Contents | None = None
    """What it holds, where it was given rows; of the side before the migration, what the other one
    held then."""


def generate_down(before: State, after: State, *, fills: Sequence[str] = ()) -> str:
    """The down migration that leads from the state after a migration, made from a clone of the one before
    it, back to that; or that says why there is none. What the migration has left as it was, the down
    migration leaves, too. It ends with `fills`, which restore values, where that is possible."""
    before_objects, after_objects = catalog_objects(before.url), catalog_objects(after.url)
    renames = restore_names(after_objects, before_objects)
    try:
        proven = (not renames and inverse_down(before, after)) or planned_down(
            before, after, renames, fills
        )
    except CannotPlanError as error:
        lines = [f"--   {line}" for line in str(error).splitlines()]
        reason = f"{IRREVERSIBLE}no statements were found that restore the previous schema"
        return "\n".join([reason, *lines, ""])
    not_restored = find_not_restored(
        before.url, after.url, before_objects, after_objects, before.contents, proven.contents
    )
    notes = [f"-- Not restored: {each.what}.\n" for each in not_restored]
    return f"{HEADER}{proven.note}{''.join(notes)}\n{proven.script}"


class ProvenDown(NamedTuple):
    """A script that was verified to restore the previous schema."""

    script: str
    contents: Contents | None = None
    """What the rows have become."""
    note: str = ""
    """A comment, where rows do not allow it."""


def inverse_down(before: State, after: State) -> ProvenDown | None:
    """The down migration without a plan, by the inverse of each change; None where that does not lead
    back."""
    try:
        return proven_down(inverse_plan(before.schema, after.schema), before, after)
    except (NoInverseError, CannotPlanError):
        return None


def planned_down(
    before: State, after: State, renames: list[str], fills: Sequence[str]
) -> ProvenDown:
    """The down migration, planned on a clone without rows.

    Raises:
        CannotPlanError: there is none.
    """
    with scratch_database(after.url) as work_url:
        delete_rows(work_url)
        statements = plan_schema_change(work_url, before.url, before.schema, renames)
    if fills:
        with suppress(CannotPlanError):
            return proven_down([*statements, *fills], before, after)
    return proven_down(statements, before, after)


def proven_down(statements: list[str], before: State, after: State) -> ProvenDown:
    """The script of these statements, verified on the rows of the state after the migration; where rows do
    not allow it, verified without any.

    Raises:
        CannotPlanError: it does not restore the previous schema, or what the migration had left.
    """
    held, holds = before.contents, after.contents
    expected = still_there(held, holds) if held and holds else None
    try:
        return ProvenDown(*verified_script(statements, [after.url], before.schema, expected))
    except ROWS_DO_NOT_ALLOW as error:
        reason = error.diag.message_primary
    with scratch_database(after.url) as empty_url:
        delete_rows(empty_url)
        script, _ = verified_script(statements, [empty_url], before.schema)
    return ProvenDown(script, note=f"{ROWS}{reason}.\n")


def write_missing_down_files() -> list[str]:
    """Write the down migration of each migration that has none; their names."""
    migrations = read_migrations()
    written = []
    for count, migration in enumerate(migrations, 1):
        file = project.down_dir() / migration.name
        if not file.exists():
            progress(f"generating the down migration of {migration.name}")
            project.down_dir().mkdir(exist_ok=True)
            text = generate_down_of_last(migrations[:count])
            file.write_text(text, encoding="utf-8", newline="\n")
            written.append(migration.name)
    return written


def generate_down_of_last(migrations: list[Migration]) -> str:
    """The down migration of the last of these migrations."""
    with replay_migrations(migrations[:-1]) as before_url, on_rows(before_url, 1) as observed:
        url, before = observed
        after = read_contents(url) if before else None
        return generate_down(
            State(before_url, read_schema(before_url), before), State(url, read_schema(url), after)
        )


@contextmanager
def on_rows(before_url: str, count: int) -> Iterator[tuple[str, Contents | None]]:
    """The URL of a clone of a scratch database that was given rows, and then the next `count`
    migrations; and what it held between the two. Without rows, and with None, where the migrations were
    not made for rows like these."""
    with scratch_database(before_url) as url:
        fill_with_rows(url)
        before = read_contents(url)
        try:
            apply_to_scratch(url, count)
        except MigrateError:
            pass
        else:
            yield url, before
            return
    with scratch_database(before_url) as url:
        apply_to_scratch(url, count)
        yield url, None


def read_down_file(migration: Migration) -> str:
    """The text of a down migration; where there is no file, what it would be.

    Raises:
        MigrateError: the migration is irreversible, or the file has a statement that is refused
            (exit code 3).
    """
    file = project.down_dir() / migration.name
    if file.exists():
        text = file.read_text(encoding="utf-8").strip()
    else:
        migrations = read_migrations()
        text = generate_down_of_last(migrations[: migrations.index(migration) + 1]).strip()
    if text.startswith(IRREVERSIBLE):
        raise cannot_roll_back([migration], text)
    if refused := refused_statements(text):
        lines = "\n".join(f"  {each.lines}" for each in refused)
        raise cannot_roll_back([migration], f"its down migration may not contain this:\n{lines}")
    return text


def cannot_roll_back(migrations: list[Migration], reason: str) -> MigrateError:
    """Why these cannot be rolled back, and how to go forward (exit code 3)."""
    names = ", ".join(migration.name for migration in migrations)
    files = " ".join(f"migrations/down/{migration.name}" for migration in migrations)
    create, apply = project.command("create", "undo ..."), project.command("apply")
    return MigrateError(
        f"Cannot roll back {names}: {reason}\nNothing was changed. Go forward instead: revert the"
        f" models, then {create} and {apply}. Or fix {files} by hand: it is verified before it runs.",
        Exit.REFUSED,
    )
