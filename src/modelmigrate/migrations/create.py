"""The next migration, from what the models say and the migrations do not."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from psycopg import errors

from modelmigrate import project
from modelmigrate.atlas.directory import (
    as_contract,
    checksums,
    has_migrations,
    phase_of,
    with_directives,
)
from modelmigrate.errors import Exit, MigrateError, SchemaRefusedError
from modelmigrate.expansions.directives import PHASE_CONTRACT
from modelmigrate.expansions.goal import towards, what_is_next
from modelmigrate.expansions.halves import Halves, is_of_halves, read_sides
from modelmigrate.migrations.down_files import State, generate_down
from modelmigrate.migrations.dropped import notes_on_dropped
from modelmigrate.migrations.files import ProvenFile, file_name, write_migrations
from modelmigrate.migrations.left_behind import notes_on_rows
from modelmigrate.planning.contents import Contents, read_contents, what_was_lost
from modelmigrate.planning.context import CannotPlanError
from modelmigrate.planning.online import make_online
from modelmigrate.planning.phases import CanWait, Waiting, split_by_phase
from modelmigrate.planning.plan import plan_migration
from modelmigrate.planning.proof import ROWS_DO_NOT_ALLOW, execute_as_migration
from modelmigrate.planning.renames import read_names
from modelmigrate.planning.rows import fill_with_rows
from modelmigrate.planning.transactions import split_by_transaction
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.declared import DECLARED_KINDS
from modelmigrate.schema.diff import Change, Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.namespaces import tell_that_made_for_models
from modelmigrate.schema.states import current_and_desired
from modelmigrate.sql.patterns import ADD_ENUM_VALUE
from modelmigrate.sql.statements import strip_comments
from modelmigrate.terminal import progress

# Told of migrations before they are written: the URL of a scratch database that they are for, which it may
# change, and their texts. What there is to look at in them comes back.
Lint = Callable[[str, list[str]], list[str]]


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
    can_wait: CanWait | None = None,
    lint: Lint = lambda *_: [],
    *,
    expand: bool = False,
    contract: bool = False,
) -> CreatedMigrations:
    """Write the migrations that lead from the migrations' schema to that of the models, with their
    down migrations; with `expand` or `contract`, the one or the other half of what older code would fail
    of. Else `can_wait` says which statements can be in contract migrations.

    Raises:
        MigrateError: the message gives no file name, the models cannot be loaded, a possible rename
            is not confirmed, no plan can be verified, there is no such half, or the migrations change
            meanwhile (exit code 5). No file is written then.
    """
    name, known = file_name(message), checksums()
    with (
        # To plan, to prove, and to lint where something is there that could be harmed.
        current_and_desired(clones=3 if has_migrations() else 2) as states,
        towards(read_sides(states), rename, expand=expand, contract=contract) as goal,
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
        try:
            plan, result = plan_migration(current_url, current, desired_url, desired, goal.first)
            statements = tell_that_made_for_models(plan)
            if not statements and not halves.header:  # only the formatting differs
                return CreatedMigrations([], warnings)
            progress("generating the down migration and verifying both directions")
            if project.settings().online:
                in_halves = bool(halves.header)
                statements = make_online(
                    statements, current_url, current, desired_url, result, in_halves=in_halves
                )
            groups = split_by_transaction(statements, current) or [[]]
            if can_wait and not halves.header:
                groups = split_by_phase(groups, can_wait, current_url, result)
            before = State(current_url, current)
            steps, notes = prove_on_rows(copies, before, groups, tables, filled.result(), result)
            texts = with_header([each.text for each in steps], halves)
            # Of the first migrations of all there is nothing to tell: nothing is there that they could harm.
            lint_url = (
                copies.enter_context(scratch_database(current_url)) if has_migrations() else ""
            )
            linted = beside.submit(lint, lint_url, texts) if lint_url else None
            downs = [down_of(each, goal.fills) for each in steps]
        except CannotPlanError as error:
            raise SchemaRefusedError(f"{error}\n{_by_hand()}", Exit.REFUSED) from None
        names = read_names(current_url), read_names(desired_url)
        warnings += notes_on_dropped(*names, [*goal.renames, *goal.swapped])
        warnings += [*notes, *notes_on_rows(goal.sides), *what_is_next(goal)]
        warnings += notes_on_contracts(texts)
        warnings += undeclared_drops(
            [each for each in changes if not is_of_halves(each.label, halves)]
        )
        warnings += linted.result() if linted else []
        files = [ProvenFile(*each) for each in zip(texts, downs, strict=True)]
        if checksums() != known:
            raise MigrateError(
                "the migrations changed meanwhile: somebody edits them, or creates one, too. No file was"
                " written. Repeat the command.",
                Exit.BUSY,
            )
        return CreatedMigrations(write_migrations(name, files), warnings)


def with_header(texts: list[str], halves: Halves) -> list[str]:
    """The texts with the lines that tell what the migrations begin and end; the first one has them, and
    each says that it waits until no older code runs."""
    waits = [PHASE_CONTRACT] if halves.contract else []
    headers = [halves.header, *([waits] * (len(texts) - 1))]
    return [with_directives(*each) for each in zip(texts, headers, strict=True)]


class Step(NamedTuple):
    """A migration that was proven on rows."""

    text: str
    group: list[str]
    """Its statements."""
    before: State
    """The schema before it, with what its copy held then."""
    after: State
    """That copy."""


def fill(url: str, tables: set[str] | None) -> tuple[str, Contents]:
    """Fill these tables of a scratch database with rows, or all; its URL, and what it holds then."""
    fill_with_rows(url, tables)
    return url, read_contents(url)


def prove_on_rows(
    copies: ExitStack,
    before: State,
    groups: list[list[str]],
    tables: set[str] | None,
    filled: tuple[str, Contents],
    result: Schema,
) -> tuple[list[Step], list[str]]:
    """As `split_and_prove`; with a note where made-up rows do not allow a migration, which says as much
    of real ones."""
    try:
        return split_and_prove(copies, before, groups, tables, filled, result), []
    except ROWS_DO_NOT_ALLOW as error:
        note = (
            f"note: on tables with rows this may fail: {error.diag.message_primary}. Fill or correct"
            " the rows before, in a migration of its own, if there are any."
        )
    try:
        return split_and_prove(copies, before, groups, set(), None, result), [note]
    except ROWS_DO_NOT_ALLOW as error:
        raise CannotPlanError(str(error)) from None


def split_and_prove(
    copies: ExitStack,
    before: State,
    groups: list[list[str]],
    tables: set[str] | None,
    filled: tuple[str, Contents] | None,
    result: Schema,
) -> list[Step]:
    """The migrations of these groups of statements, proven on copies of the scratch database `before` with
    rows in these tables, or in all: the first on the one that is `filled`, where there is one. All of them
    together lead to the schema `result`.

    Raises:
        CannotPlanError: one of them cannot be run in a transaction, or loses what it need not.
        IntegrityError, DataError: the rows do not allow it.
    """
    if not groups:
        return []
    group, *rest = groups
    after_url, held = filled or fill(copies.enter_context(scratch_database(before.url)), tables)
    try:
        text = execute_as_migration(after_url, group)
    except errors.UnsafeNewEnumValueUsage as error:
        values = [each for each in group if ADD_ENUM_VALUE.match(strip_comments(each))]
        others = [each for each in group if each not in values]
        if not values or not others:
            raise CannotPlanError(str(error)) from None
        return split_and_prove(copies, before, [values, others, *rest], tables, None, result)
    holds = read_contents(after_url)
    if lost := what_was_lost(held, holds):
        raise CannotPlanError("\n".join(lost))
    if isinstance(group[0], Waiting):
        text = as_contract(text)
    after = State(after_url, read_schema(after_url) if rest else result, holds)
    step = Step(text, group, before._replace(contents=held), after)
    return [step, *split_and_prove(copies, after, rest, set(), None, result)]


def down_of(step: Step, fills: dict[str, str]) -> str:
    """The down migration of a step. `fills` has, by a statement, what gives it the values back that the
    step has lost."""
    filled = [fills[each] for each in step.group if each in fills]
    return generate_down(step.before, step.after, fills=filled)


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
