"""Rows are changed in bulk, in the transaction of a migration."""

import re
from collections.abc import Iterator
from typing import Any

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile, Step

OPERATIONS = ("Update", "Delete", "Merge")


def find(file: ObservedFile) -> Iterator[Found]:
    """UPDATE without a condition but that of a join; and any UPDATE or DELETE of an old table after a lock that keeps
    programs out."""
    locked: set[int] = set()
    for step in file.steps:
        for table in dict.fromkeys(t for each in OPERATIONS for t in step.changed_by(each)):
            name = step.after.name(table)
            whole = table in step.changed_by("Update", whole=True) or joins_all(step)
            if locked:
                names = ", ".join(sorted(step.after.name(each) for each in locked))
                what = f"has rows changed while {names} is locked"
            elif whole:
                what = "has all of its rows changed in one transaction"
            else:
                continue
            safe = f'-- modelmigrate backfill {name} --set "..." --where "..."'
            yield Found(step, f"TABLE {name}", what, table, safe)
        if file.transactional:
            locked |= {
                each for each, mode in step.locks.items()
                if mode == "AccessExclusiveLock" and step.is_table(each)
            }  # fmt: skip


def joins_all(step: Step) -> bool:
    """Whether it updates all rows that other old tables have something for: no other condition leaves one out."""
    old = {each.name for each in step.old.relations.values() if each.is_table}
    return any(
        any(node.get("Operation") in ("Update", "Merge") for node in plan)
        and all(is_join(condition) for node in plan for condition in conditions(node))
        and all(
            f"{node.get('Schema')}.{node.get('Relation Name')}" in old
            for node in plan
            if node["Node Type"].endswith("Scan")
        )
        for plan in step.plans
    )


def conditions(node: dict[str, Any]) -> list[str]:
    """What leaves rows out at a node of a plan."""
    return [str(value) for key, value in node.items() if key.endswith(("Filter", " Cond"))]


def is_join(condition: str) -> bool:
    """Whether a condition only says which row of one table belongs to which of another."""
    sides = re.fullmatch(r"\(+(?:(\w+)\.)?\w+\)* = \(*(\w+)\.\w+\)+", condition)
    return sides is not None and sides[1] != sides[2]


RULE = Rule(
    name="backfill",
    group="lock",
    level=Level.WARN,
    title="Rows are changed in bulk",
    why="The rows, and every table that the file has changed before, stay locked until all are changed.",
    instead="Change them in batches, each a transaction of its own, between two migrations.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int)", "UPDATE a SET x = 1"),
        Example(
            "CREATE TABLE a (x int, y int); CREATE TABLE b (x int)",
            "UPDATE a SET y = b.x FROM b WHERE a.x = b.x",
        ),
        Example(
            "CREATE TABLE a (x int)", "ALTER TABLE a ADD y int; UPDATE a SET y = x WHERE y IS NULL"
        ),
    ),
    silent=(
        Example("CREATE TABLE a (x int)", "UPDATE a SET x = 1 WHERE x = 2"),
        Example(
            "CREATE TABLE a (x int)",
            "UPDATE a SET x = y FROM (VALUES (1, 2)) AS v (id, y) WHERE x = id",
        ),
        Example("CREATE TABLE a (x int)", "INSERT INTO a VALUES (1)"),
        Example("CREATE TABLE a (x int)", "CREATE TABLE b (x int); UPDATE b SET x = 1"),
    ),
)
