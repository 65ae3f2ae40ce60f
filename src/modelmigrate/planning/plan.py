"""The SQL that leads from one schema to another, found by running it on a scratch database.

Atlas plans what changes inside tables and enums. Everything else is created and dropped by the very
statements that `pg_dump` writes for it, in an order that works. A plan counts only when the dumps are
the same in the end.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from modelmigrate.planning.atlas_plan import apply_atlas_plan
from modelmigrate.planning.composites import change_composites
from modelmigrate.planning.context import MAX_ROUNDS, CannotPlanError, PlanContext
from modelmigrate.planning.domains import change_domains
from modelmigrate.planning.generated import change_generated_columns
from modelmigrate.planning.in_place import change_in_place
from modelmigrate.planning.kinds import is_planned_by_atlas
from modelmigrate.planning.names import rename_what_is_the_same
from modelmigrate.planning.objects import (
    create_objects,
    create_what_atlas_misses,
    drop_objects,
    known_to_be_missed,
)
from modelmigrate.planning.sequences import carry_sequences_over
from modelmigrate.planning.tables import change_column_types
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Change, Schema, diff
from modelmigrate.schema.rebuild import diff_normalized

Proven = TypeVar("Proven")

# --- any schema to any other: down migrations, drift ---


def plan_schema_change(
    current_url: str, desired_url: str, desired: Schema, renames: Sequence[str] = ()
) -> list[str]:
    """Change the scratch database `current_url` until its schema is `desired`, that of the scratch
    database `desired_url`; the statements that did so.

    `renames` are statements to begin with: see `restore_names`.

    Raises:
        CannotPlanError: the current schema cannot be made the desired one.
    """
    with closing(connect(current_url, check_function_bodies="off")) as connection:
        context = PlanContext(connection, current_url, desired_url, desired)
        rename_all(context, renames)
        reason, count = "", -1
        for _ in range(MAX_ROUNDS):
            if not diff(desired, context.current()):
                break
            if count == len(context.statements) and not change_column_types(context):
                break
            count = len(context.statements)
            rename_what_is_the_same(context)
            carry_sequences_over(context)
            change_domains(context)
            change_composites(context)
            change_in_place(context)
            drop_objects(context)
            create_objects(context, partial(stands_alone, {*context.expected()}))
            change_generated_columns(context)
            reason = apply_atlas_plan(context)
            tables = {*context.expected()} if reason else set()
            create_objects(context, partial(stands_alone, tables))
        changes = diff_normalized(desired, context.current())
    if changes:
        lines = [line for each in changes[:3] for line in (each.title, *each.lines()[:6])]
        raise CannotPlanError(
            "\n".join(filter(None, [reason, "- desired, + after the plan:", *lines]))
        )
    return context.statements


def is_left_after_atlas(context: PlanContext, failed: bool, change: Change) -> bool:
    """Whether a change is none of Atlas's plan, and of none that failed and is tried again."""
    waits = failed and not stands_alone({*context.expected()}, change)
    return not waits and not is_planned_by_atlas(change, context.desired)


def stands_alone(tables: set[str], change: Change) -> bool:
    """Whether it is not the sequence of a serial column which a table that is there lacks: Atlas adds
    both, and the rows get their numbers from it."""
    obj = change.desired
    return obj is None or obj.kind != "SEQUENCE" or tables.isdisjoint(obj.belongs_to)


def rename_all(context: PlanContext, statements: Sequence[str]) -> None:
    """Run statements that rename; none of them can be left out.

    Raises:
        CannotPlanError: one of them fails.
    """
    for statement in statements:
        if error := context.try_execute(statement):
            raise CannotPlanError(f"{statement}\n{error}")


# --- the migrations to the models: new migrations ---


@dataclass(frozen=True)
class Attempt(Generic[Proven]):
    """A plan that was tried on a clone of the current state."""

    statements: list[str]
    result: Schema
    """The schema that they lead to."""
    changes: list[Change]
    """What still differs from the desired schema."""
    unresolved: set[str]
    """The labels of those changes that are of more than formatting."""
    reason: str
    """Why Atlas's plan could not be applied, or an object not be dropped."""
    proven: Future[Proven] | None
    """What came of `prove` beside the look at the result, where nothing differs there."""


def plan_migration(
    current_url: str,
    current: Schema,
    desired_url: str,
    desired: Schema,
    renames: list[str],
    prove: Callable[[list[str], Schema], Proven],
) -> Proven:
    """What `prove` makes of the statements that lead from the scratch database `current_url`, which has the
    schema `current`, to the schema `desired`, that of the scratch database `desired_url`, after these
    renames: in Atlas's words for tables and enums, as a person would write them. It gets the schema that
    they lead to as well, and begins before that was looked at, where it must be the desired one.

    Atlas misses some properties, and says nothing: `UNIQUE (a) DEFERRABLE` it adds as `UNIQUE (a)`, and
    then sees no difference. (Likewise NOT VALID, COLLATE, storage parameters.) So the first attempt
    leaves all tables to Atlas but those where this is known. What differs after it was missed, and the
    next attempt creates that by `pg_dump`'s statements before Atlas is asked.

    Raises:
        CannotPlanError: the last attempt still missed something.
    """
    target = desired
    missed_by_atlas = known_to_be_missed(diff(desired, current))
    for _ in range(MAX_ROUNDS):
        attempt = try_plan(
            current_url, current, desired_url, target, renames, missed_by_atlas, prove
        )
        if attempt.proven:
            return attempt.proven.result()
        if not attempt.changes:
            return prove(attempt.statements, attempt.result)
        if target is desired and (labels := formatting_only_changes(desired, current)):
            # They stay as they are: to write the same definition again would change nothing.
            target = desired | {label: current[label] for label in labels}
        elif not attempt.unresolved:
            return prove(attempt.statements, attempt.result)
        elif attempt.unresolved <= missed_by_atlas:
            break  # nothing new to try
        missed_by_atlas |= attempt.unresolved
    raise _cannot_plan(attempt)


def try_plan(
    current_url: str,
    current: Schema,
    desired_url: str,
    desired: Schema,
    renames: list[str],
    missed_by_atlas: set[str],
    prove: Callable[[list[str], Schema], Proven],
) -> Attempt[Proven]:
    """One attempt at a plan, on a clone of the current state that is dropped afterwards. Each round is
    repeated while it runs any new statement; once one must have led to the desired schema, `prove` begins."""
    presumed: tuple[int, Future[Proven]] | None = None
    reason, count = "", -1
    with ThreadPoolExecutor(1) as beside, scratch_database(current_url) as work_url:
        with closing(connect(work_url, check_function_bodies="off")) as connection:
            context = PlanContext(connection, work_url, desired_url, desired)
            context.read = context.presumed = 0, current
            rename_all(context, renames)
            for _ in range(MAX_ROUNDS):
                if count == len(context.statements):
                    break
                count = len(context.statements)
                context.current()  # from the second round on, whether all is as it is desired
                reason = run_planning_round(context, missed_by_atlas)
                fails = reason or context.blocked_by or not context.is_presumed()
                if not presumed and not fails and not diff(desired, context.expected()):
                    proving = beside.submit(prove, [*context.statements], desired)
                    presumed = len(context.statements), proving
        result = context.current()
    changes = diff(desired, result)
    unresolved = {each.label for each in diff_normalized(desired, result)}
    holds = presumed and not changes and presumed[0] == len(context.statements)
    return Attempt(
        context.statements, result, changes, unresolved, reason or context.blocked_by,
        presumed[1] if presumed and holds else None,
    )  # fmt: skip


def _cannot_plan(attempt: Attempt[Any]) -> CannotPlanError:
    lines = [
        line
        for change in attempt.changes
        if change.label in attempt.unresolved
        for line in (change.title, *change.lines())
    ]
    title = "Cannot plan this change (- desired, + after the plan):"
    reason = f"Reason: {attempt.reason}" if attempt.reason else ""
    return CannotPlanError("\n".join(filter(None, [title, *lines, reason])))


def formatting_only_changes(desired: Schema, current: Schema) -> set[str]:
    """The labels of the objects that differ in their formatting only."""
    labels = {each.label for each in diff(desired, current) if each.how == "changed"}
    return labels - {each.label for each in diff_normalized(desired, current)} if labels else set()


def run_planning_round(context: PlanContext, missed_by_atlas: set[str]) -> str:
    """Change the scratch database to the desired schema, as far as that is possible in one round; the
    reason where Atlas's plan cannot be applied, else nothing.

    The order is what makes a plan work, and read like one by hand:

    1. Schemas and extensions: new columns and indexes may use their types and operators. Indexes,
       constraints and sequences with another name, which Atlas would recreate.
    2. Domains and composite types, generated columns, and what else Atlas misses: once it is there, Atlas
       sees no difference and does not plan it wrongly.
    3. Atlas's plan for tables and enums. Only the views and triggers that depend on a changed column are
       dropped before it (see `dependents`), so all others stay.
    4. Drops: a function or an extension can be dropped only once no column, default or index uses it;
       and what belonged to a dropped table is gone with it.
    5. Creations: they may use new columns, and recreate what 3 and 4 dropped.
    """
    create_objects(context, lambda each: each.kind in ("EXTENSION", "SCHEMA"))
    rename_what_is_the_same(context)
    carry_sequences_over(context)
    change_domains(context)
    change_composites(context)
    change_in_place(context)
    if missed_by_atlas:
        create_what_atlas_misses(context, missed_by_atlas)
    change_generated_columns(context)
    reason = apply_atlas_plan(context, trusted=True)
    drop_objects(context, lambda each: not is_planned_by_atlas(each, context.desired))
    create_objects(context, partial(is_left_after_atlas, context, bool(reason)))
    return reason
