"""A table is locked on purpose."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import STRENGTH, ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """LOCK TABLE that keeps writers out."""
    for step in file.steps:
        for table, mode in step.locks.items():
            if step.tag == "LOCK TABLE" and STRENGTH[mode] >= STRENGTH["ShareLock"]:
                yield Found(step, f"TABLE {step.after.name(table)}", "is locked", table)


RULE = Rule(
    name="lock-table",
    group="lock",
    title="A table is locked on purpose",
    why="Programs wait until the file ends.",
    instead="Leave it out: each statement takes the lock that it needs.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int)", "LOCK TABLE a"),
        Example("CREATE TABLE a (x int)", "LOCK TABLE a IN SHARE MODE"),
    ),
    silent=(Example("CREATE TABLE a (x int)", "LOCK TABLE a IN ACCESS SHARE MODE"),),
)
