"""The SQL that leads from one schema to another, found by doing it on a scratch database.

Atlas plans what changes inside tables and enums. Everything else is made and removed by the very
statements that `pg_dump` writes for it, in the order that works. A plan counts only when the dumps
are the same in the end.
"""

from contextlib import closing

from modelmigrate.planning.atlas_plan import apply_atlas_plan
from modelmigrate.planning.context import MAX_ROUNDS, CannotPlanError, PlanContext
from modelmigrate.planning.kinds import is_planned_by_atlas
from modelmigrate.planning.objects import create_objects, create_what_atlas_misses, drop_objects
from modelmigrate.planning.renames import restore_names
from modelmigrate.planning.tables import change_column_types
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.execute import try_execute
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import diff_normalized


def plan_schema_change(work: str, target: str, goal: Schema, *, renames: bool = False) -> list[str]:
    """Change the scratch database `work` until its schema is `goal`, that of the scratch database
    `target`; how it was done.

    With `renames`, `work` was made from a clone of `target`, so that what was renamed since can be
    told from what was replaced, and its rows are kept.

    Raises:
        NoPlanError: the two cannot be made the same, or only in a way that does not run in one
            transaction.
    """
    with closing(connect(work, check_function_bodies="off")) as connection:
        context = PlanContext(connection, work, target, goal)
        for statement in restore_names(work, target) if renames else []:
            context.try_execute(statement)
        reason, count = "", -1
        for _ in range(MAX_ROUNDS):
            if not diff(goal, context.current()):
                break
            if count == len(context.statements) and not change_column_types(context):
                break
            count = len(context.statements)
            drop_objects(context)
            create_objects(context)
            reason = apply_atlas_plan(context)
        differences = diff(goal, context.current())
    if differences:
        lines = [line for each in differences[:3] for line in (each.label, *each.lines()[:6])]
        raise CannotPlanError("\n".join(filter(None, [reason, *lines])))
    return context.statements


def plan_migration(old: str, new: str, wanted: Schema, renames: list[str]) -> list[str]:
    """How a clone of the scratch database `old` becomes the schema `wanted`, that of the scratch
    database `new`, after these renames: in Atlas's words for tables and enums, as a person would
    write them.

    What Atlas loses on the way (DEFERRABLE, NOT VALID, COLLATE, storage parameters) is then made
    before it is asked, in `pg_dump`'s words.

    Raises:
        NoPlanError: the two cannot be made the same.
    """
    goal, lost, reason = wanted, set[str](), ""
    before = read_schema(old)
    for _ in range(MAX_ROUNDS):
        with scratch_database(old) as work:
            with closing(connect(work, check_function_bodies="off")) as connection:
                context = PlanContext(connection, work, new, goal)
                context.statements += [
                    each for each in renames if try_execute(connection, each) is None
                ]
                reason = run_planning_round(context, lost) or context.blocked_by
            now = context.current()
        if not (left := diff(goal, now)):
            return context.statements
        unlike = {each.label for each in diff_normalized(goal, now)}
        if goal is wanted and (spelt := formatting_only_changes(goal, before)):
            goal = goal | {label: before[label] for label in spelt}
        elif not unlike:
            return context.statements
        elif unlike <= lost:
            break
        lost |= unlike
    lines = [line for each in left for line in (each.label, *each.lines()) if each.label in unlike]
    raise CannotPlanError("\n".join(filter(None, [reason, *lines])))


def formatting_only_changes(goal: Schema, before: Schema) -> set[str]:
    """What differs in its spelling alone."""
    differ = {each.label for each in diff(goal, before) if each.how == "changed"}
    return differ - {each.label for each in diff_normalized(goal, before)} if differ else set()


def run_planning_round(context: PlanContext, lost: set[str]) -> str:
    """Change tables as Atlas does, and the rest as `plan`; what Atlas could not do, and why."""
    reason, count = "", -1
    for _ in range(MAX_ROUNDS):
        if count == len(context.statements):
            break
        count = len(context.statements)
        create_objects(context, lambda each: each.kind == "EXTENSION")
        if lost:
            create_what_atlas_misses(context, lost)
        reason = apply_atlas_plan(context)
        drop_objects(context, lambda each: not is_planned_by_atlas(context, each))
        create_objects(context, lambda each: not is_planned_by_atlas(context, each))
    return reason
