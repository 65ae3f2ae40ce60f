"""Rows are changed in bulk, in the transaction of a migration."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """UPDATE without a condition; and any UPDATE or DELETE of an old table after a lock that keeps
    programs out."""
    locked: set[int] = set()
    for step in file.steps:
        for table in [*step.changed_by("Update"), *step.changed_by("Delete")]:
            name = step.after.name(table)
            whole = table in step.changed_by("Update", whole=True)
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
            "CREATE TABLE a (x int)", "ALTER TABLE a ADD y int; UPDATE a SET y = x WHERE y IS NULL"
        ),
    ),
    silent=(
        Example("CREATE TABLE a (x int)", "UPDATE a SET x = 1 WHERE x = 2"),
        Example("CREATE TABLE a (x int)", "INSERT INTO a VALUES (1)"),
        Example("CREATE TABLE a (x int)", "CREATE TABLE b (x int); UPDATE b SET x = 1"),
    ),
)
