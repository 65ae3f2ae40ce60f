"""The next migration, from what the models say and the migrations do not."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.atlas.binary import find_atlas
from modelmigrate.atlas.directory import has_migrations, phase_of, read_files
from modelmigrate.errors import Exit, MigrateError, SchemaRefusedError
from modelmigrate.expansions.goal import towards, what_is_next
from modelmigrate.expansions.halves import is_of_halves, read_sides
from modelmigrate.expansions.sides import Sides
from modelmigrate.migrations.dropped import notes_on_dropped
from modelmigrate.migrations.files import file_name, write_migrations
from modelmigrate.migrations.left_behind import notes_on_rows
from modelmigrate.migrations.prove import Lint, Work, fill, prove
from modelmigrate.planning.context import CannotPlanError
from modelmigrate.planning.excerpt import empty_databases
from modelmigrate.planning.plan import plan_migration
from modelmigrate.planning.renames import read_names
from modelmigrate.postgres.scratch import made_ahead, scratch_database
from modelmigrate.schema.declared import DECLARED_KINDS
from modelmigrate.schema.diff import Change, Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import States, current_and_desired, read_ahead


class CreatedMigrations(NamedTuple):
    """The files that were written, and what to look at in them."""

    files: list[Path]
    warnings: list[str]

    @property
    def report(self) -> str:
        """Their text, what to look at, and where they are."""
        if not self.files:
            return "\n".join([*self.warnings, "No changes: the migrations match the models."])
        texts = [file.read_text(encoding="utf-8") for file in self.files]
        written = [f"written: migrations/{each.name}, and down/{each.name}" for each in self.files]
        return "\n".join([*texts, *self.warnings, *written])


def create_migrations(
    message: str,
    rename: str | None = None,
    lint: Lint | None = None,
    *,
    expand: bool = False,
    contract: bool = False,
) -> CreatedMigrations:
    """Write the migrations that lead from the migrations' schema to that of the models, with their
    down migrations; with `expand` or `contract`, the one or the other half of what older code would fail
    of. Else `lint` says which statements can be in contract migrations.

    Raises:
        MigrateError: the message gives no file name, the models cannot be loaded, a possible rename
            is not confirmed, no plan can be verified, there is no such half, or the migrations change
            meanwhile (exit code 5). No file is written then.
    """
    name, known = file_name(message), read_files()
    with (
        current_and_desired(partial(made_ready, lint)) as states,
        towards(sides_of(states), rename, expand=expand, contract=contract) as goal,
        ExitStack() as copies,
        ThreadPoolExecutor() as beside,
    ):
        current_url, current, desired_url, desired = goal.sides
        halves, warnings = goal.halves, [*states.notes]
        changes = diff(desired, current)
        if not changes and not halves.header:
            return CreatedMigrations([], warnings)
        tables = changed_tables(changes, current)
        # What goes on beside has a copy of its own: none can be made of a database that somebody reads.
        filled = beside.submit(fill, copies.enter_context(scratch_database(current_url)), tables)
        work = Work(goal, copies, beside, tables, [filled], lint)
        try:
            proven = plan_migration(*goal.sides, goal.first, partial(prove, work))
        except CannotPlanError as error:
            raise SchemaRefusedError(f"{error}\n{_by_hand()}", Exit.REFUSED) from None
        if not proven:  # only the formatting differs
            return CreatedMigrations([], warnings)
        names = read_names(current_url), read_names(desired_url)
        warnings += notes_on_dropped(*names, [*goal.renames, *goal.swapped])
        warnings += [*proven.notes, *notes_on_rows(goal.sides), *what_is_next(goal)]
        warnings += notes_on_contracts([each.text for each in proven.files])
        warnings += undeclared_drops(
            [each for each in changes if not is_of_halves(each.label, halves)]
        )
        warnings += proven.linted
        if read_files() != known:
            raise MigrateError(
                "the migrations changed meanwhile: somebody edits them, or creates one, too. No file was"
                " written. Repeat the command.",
                Exit.BUSY,
            )
        return CreatedMigrations(write_migrations(name, proven.files), warnings)


@contextmanager
def made_ready(lint: Lint | None, current_url: str) -> Iterator[None]:
    """Make and read meanwhile what a create will ask for of the current state."""
    # To plan, to prove, and to lint where something is there that could be harmed; and to build what the
    # models say.
    clones = 3 if has_migrations() else 2
    with (
        ThreadPoolExecutor(1) as beside,
        made_ahead(current_url, clones),
        made_ahead(None, 1),
    ):
        beside.submit(find_atlas)  # which has to be asked for its version
        read_ahead(current_url)
        with made_ahead(None, empty_databases(read_schema(current_url))):
            if lint:
                lint.look(current_url)
            yield


def sides_of(states: States) -> Sides:
    """Both states, read for whoever asks of them."""
    read_ahead(states.desired_url)
    return read_sides(states)


def changed_tables(changes: list[Change], current: Schema) -> set[str] | None:
    """The tables that need rows in a proof, as SQL names them; None for all, where a type changes that
    any of them may use."""
    sides = [side for each in changes for side in (each.current, each.desired) if side]
    if any(each.kind in ("TYPE", "DOMAIN") for each in sides):
        return None
    labels = {label for each in sides for label in (each.label, *each.belongs_to)}
    return {
        obj.quoted_name for obj in current.values() if obj.kind == "TABLE" and obj.label in labels
    }


def notes_on_contracts(texts: list[str]) -> list[str]:
    """When what older programs still use is taken away."""
    count = sum(phase_of(each) == "contract" for each in texts)
    return [
        f"note: {count} contract migration{'s' if count > 1 else ''}: older programs fail without what goes."
        f" Applied once none of them runs: {project.command('apply', phase='contract')}"
    ][:count]


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
