"""A constraint is added NOT VALID, and validated while its lock is held."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """What is validated in the transaction that added it, on an old table."""
    if not file.transactional:
        return
    for step in file.steps:
        for key, after in step.after.constraints.items():
            before = step.before.constraints.get(key)
            table = step.after.relations[after.table]
            if (
                before
                and after.valid > before.valid
                and key not in file.start.constraints
                and step.is_old(table.oid)
                and not table.parent
            ):
                label = f"CONSTRAINT {after.name} on {table.name}"
                safe = (
                    "-- in a migration of its own:\n"
                    f"ALTER TABLE {table.name} VALIDATE CONSTRAINT {after.name};"
                )
                what = "is validated while the lock from adding it is held"
                yield Found(step, label, what, table.oid, safe)


RULE = Rule(
    name="validated-at-once",
    group="lock",
    title="NOT VALID and VALIDATE in one transaction",
    why="The lock from adding the constraint is held until the file ends, so that everybody waits while the"
    " rows are read: NOT VALID has won nothing.",
    instead="Validate it in a migration of its own.",
    find=find,
    fires=(
        Example(
            "CREATE TABLE a (x int)",
            "ALTER TABLE a ADD CONSTRAINT c CHECK (x > 0) NOT VALID;"
            " ALTER TABLE a VALIDATE CONSTRAINT c",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int); ALTER TABLE a ADD CONSTRAINT c CHECK (x > 0) NOT VALID",
            "ALTER TABLE a VALIDATE CONSTRAINT c",
        ),
    ),
)
