"""A plan made into migrations that are proven: on rows, and in both directions."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

from psycopg import errors

from modelmigrate import project
from modelmigrate.atlas.directory import as_contract, has_migrations, with_directives
from modelmigrate.expansions.directives import PHASE_CONTRACT
from modelmigrate.expansions.goal import Goal
from modelmigrate.expansions.halves import Halves
from modelmigrate.migrations.down_files import State, generate_down
from modelmigrate.migrations.files import ProvenFile
from modelmigrate.planning.contents import Contents, read_contents, what_was_lost
from modelmigrate.planning.context import CannotPlanError
from modelmigrate.planning.online import make_online
from modelmigrate.planning.phases import CanWait, Waiting, split_by_phase
from modelmigrate.planning.proof import ROWS_DO_NOT_ALLOW, execute_as_migration
from modelmigrate.planning.rows import fill_with_rows
from modelmigrate.planning.transactions import split_by_transaction
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Schema
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.namespaces import tell_that_made_for_models
from modelmigrate.sql.patterns import ADD_ENUM_VALUE
from modelmigrate.sql.statements import strip_comments
from modelmigrate.terminal import progress


class Lint(NamedTuple):
    """How migrations are judged before they are written."""

    look: Callable[[str], object]
    """Looks ahead at the state, a snapshot, that they are for."""
    can_wait: CanWait
    warnings: Callable[[str, list[str], str], list[str]]
    """Gets the URL of a clone of that state, which it may change, their texts, and the URL of the snapshot;
    gives what there is to look at in them."""


class Work(NamedTuple):
    """What plans are proven with."""

    goal: Goal
    copies: ExitStack
    """What drops the copies that are made."""
    beside: ThreadPoolExecutor
    tables: set[str] | None
    """Those that get rows; None for all."""
    filled: list[Future[tuple[str, Contents]]]
    """The copy with rows that is made already, for the first who proves anything, if there is one still."""
    lint: Lint | None


class Proven(NamedTuple):
    """Migrations that lead to the models, and back."""

    files: list[ProvenFile]
    notes: list[str]
    linted: list[str]


def prove(work: Work, plan: list[str], result: Schema) -> Proven | None:
    """The migrations of a plan that leads to the schema `result`, proven in both directions; None where it
    has no statements.

    Raises:
        CannotPlanError: they cannot be run, or lose what they need not.
    """
    goal = work.goal
    current_url, current, desired_url, _ = goal.sides
    in_halves = bool(goal.halves.header)
    statements = tell_that_made_for_models(plan)
    if not statements and not in_halves:
        return None
    progress("generating the down migration and verifying both directions")
    if project.settings().online:
        statements = make_online(
            statements, current_url, current, desired_url, result, in_halves=in_halves
        )
    groups = split_by_transaction(statements, current) or [[]]
    if work.lint and not in_halves:
        groups = split_by_phase(groups, work.lint.can_wait, current_url, result)
    steps, notes = prove_on_rows(work, State(current_url, current), groups, result)
    texts = with_header([each.text for each in steps], goal.halves)
    linted = None
    if work.lint and has_migrations():  # the first ones of all find nothing that they could harm
        lint_url = work.copies.enter_context(scratch_database(current_url))
        linted = work.beside.submit(work.lint.warnings, lint_url, texts, current_url)
    downs = [down_of(each, goal.fills) for each in steps]
    files = [ProvenFile(*each) for each in zip(texts, downs, strict=True)]
    return Proven(files, notes, linted.result() if linted else [])


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
    work: Work, before: State, groups: list[list[str]], result: Schema
) -> tuple[list[Step], list[str]]:
    """As `split_and_prove`; with a note where made-up rows do not allow a migration, which says as much
    of real ones."""
    try:
        return split_and_prove(work, before, groups, work.tables, result), []
    except ROWS_DO_NOT_ALLOW as error:
        note = (
            f"note: on tables with rows this may fail: {error.diag.message_primary}. Fill or correct"
            " the rows before, in a migration of its own, if there are any."
        )
    try:
        return split_and_prove(work, before, groups, set(), result), [note]
    except ROWS_DO_NOT_ALLOW as error:
        raise CannotPlanError(str(error)) from None


def split_and_prove(
    work: Work, before: State, groups: list[list[str]], tables: set[str] | None, result: Schema
) -> list[Step]:
    """The migrations of these groups of statements, proven on copies of the scratch database `before` with
    rows in these tables, or in all. All of them together lead to the schema `result`.

    Raises:
        CannotPlanError: one of them cannot be run in a transaction, or loses what it need not.
        IntegrityError, DataError: the rows do not allow it.
    """
    if not groups:
        return []
    group, *rest = groups
    if work.filled:
        after_url, held = work.filled.pop().result()
    else:
        after_url, held = fill(work.copies.enter_context(scratch_database(before.url)), tables)
    try:
        text = execute_as_migration(after_url, group)
    except errors.UnsafeNewEnumValueUsage as error:
        values = [each for each in group if ADD_ENUM_VALUE.match(strip_comments(each))]
        others = [each for each in group if each not in values]
        if not values or not others:
            raise CannotPlanError(str(error)) from None
        return split_and_prove(work, before, [values, others, *rest], tables, result)
    holds = read_contents(after_url)
    if lost := what_was_lost(held, holds):
        raise CannotPlanError("\n".join(lost))
    if isinstance(group[0], Waiting):
        text = as_contract(text)
    after = State(after_url, read_schema(after_url) if rest else result, holds)
    step = Step(text, group, before._replace(contents=held), after)
    return [step, *split_and_prove(work, after, rest, set(), result)]


def down_of(step: Step, fills: dict[str, str]) -> str:
    """The down migration of a step. `fills` has, by a statement, what gives it the values back that the
    step has lost."""
    filled = [fills[each] for each in step.group if each in fills]
    return generate_down(step.before, step.after, fills=filled)
