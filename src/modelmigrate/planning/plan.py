"""The SQL that leads from one schema to another, found by doing it on a scratch database.

Atlas plans what changes inside tables and enums. Everything else is made and removed by the very
statements that `pg_dump` writes for it, in the order that works. A plan counts only when the dumps
are the same in the end.
"""

from contextlib import closing

from modelmigrate.planning import renames as renames_
from modelmigrate.planning.atlas_plan import alter
from modelmigrate.planning.context import ROUNDS, Bench, NoPlanError
from modelmigrate.planning.kinds import inside_tables
from modelmigrate.planning.objects import keep, make, remove
from modelmigrate.planning.tables import retype
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.execute import error_of
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema import rebuild
from modelmigrate.schema.diff import Schema, compare
from modelmigrate.schema.dump import read


def plan(work: str, target: str, goal: Schema, *, renames: bool = False) -> list[str]:
    """Change the scratch database `work` until its schema is `goal`, that of the scratch database
    `target`; how it was done.

    With `renames`, `work` was made from a clone of `target`, so that what was renamed since can be
    told from what was replaced, and its rows are kept.

    Raises:
        NoPlanError: the two cannot be made the same, or only in a way that does not run in one
            transaction.
    """
    with closing(connect(work, check_function_bodies="off")) as connection:
        bench = Bench(connection, work, target, goal)
        for statement in renames_.renames(work, target) if renames else []:
            bench.attempt(statement)
        reason, count = "", -1
        for _ in range(ROUNDS):
            if not compare(goal, bench.now()):
                break
            if count == len(bench.made) and not retype(bench):
                break
            count = len(bench.made)
            remove(bench)
            make(bench)
            reason = alter(bench)
        differences = compare(goal, bench.now())
    if differences:
        lines = [line for each in differences[:3] for line in (each.label, *each.lines()[:6])]
        raise NoPlanError("\n".join(filter(None, [reason, *lines])))
    return bench.made


def plan_models(old: str, new: str, wanted: Schema, renames: list[str]) -> list[str]:
    """How a clone of the scratch database `old` becomes the schema `wanted`, that of the scratch
    database `new`, after these renames: in Atlas's words for tables and enums, as a person would
    write them.

    What Atlas loses on the way (DEFERRABLE, NOT VALID, COLLATE, storage parameters) is then made
    before it is asked, in `pg_dump`'s words.

    Raises:
        NoPlanError: the two cannot be made the same.
    """
    goal, lost, reason = wanted, set[str](), ""
    before = read(old)
    for _ in range(ROUNDS):
        with scratch_database(old) as work:
            with closing(connect(work, check_function_bodies="off")) as connection:
                bench = Bench(connection, work, new, goal)
                bench.made += [each for each in renames if error_of(connection, each) is None]
                reason = follow(bench, lost) or bench.in_the_way
            now = bench.now()
        if not (left := compare(goal, now)):
            return bench.made
        unlike = {each.label for each in rebuild.unlike(goal, now)}
        if goal is wanted and (spelt := spelt_otherwise(goal, before)):
            goal = goal | {label: before[label] for label in spelt}
        elif not unlike:
            return bench.made
        elif unlike <= lost:
            break
        lost |= unlike
    lines = [line for each in left for line in (each.label, *each.lines()) if each.label in unlike]
    raise NoPlanError("\n".join(filter(None, [reason, *lines])))


def spelt_otherwise(goal: Schema, before: Schema) -> set[str]:
    """What differs in its spelling alone."""
    differ = {each.label for each in compare(goal, before) if each.how == "changed"}
    return differ - {each.label for each in rebuild.unlike(goal, before)} if differ else set()


def follow(bench: Bench, lost: set[str]) -> str:
    """Change tables as Atlas does, and the rest as `plan`; what Atlas could not do, and why."""
    reason, count = "", -1
    for _ in range(ROUNDS):
        if count == len(bench.made):
            break
        count = len(bench.made)
        make(bench, lambda each: each.kind == "EXTENSION")
        if lost:
            keep(bench, lost)
        reason = alter(bench)
        remove(bench, lambda each: not inside_tables(bench, each))
        make(bench, lambda each: not inside_tables(bench, each))
    return reason
