"""One transaction holds exclusive locks on many tables."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile

MANY = 3


def find(file: ObservedFile) -> Iterator[Found]:
    """The statement by which a file holds the lock on the third old table."""
    if not file.transactional:
        return
    held: list[int] = []
    for step in file.steps:
        for oid, mode in step.locks.items():
            relation = step.before.relations.get(oid)
            exclusive = mode == "AccessExclusiveLock"
            if (
                relation
                and relation.is_table
                and not relation.parent
                and exclusive
                and oid not in held
            ):
                held.append(oid)
                if len(held) == MANY:
                    names = ", ".join(step.before.name(each) for each in held)
                    what = f"is locked together with others: {names}"
                    yield Found(step, f"TABLE {relation.name}", what, oid)


RULE = Rule(
    name="many-tables",
    group="lock",
    level=Level.WARN,
    title="Exclusive locks on many tables in one transaction",
    why="Each is held until the file ends, and programs that lock the same tables in another order end in a"
    " deadlock.",
    instead="Change each table in a migration of its own.",
    find=find,
    fires=(
        Example(
            "CREATE TABLE a (x int); CREATE TABLE b (x int); CREATE TABLE c (x int)",
            "ALTER TABLE a ADD y int; ALTER TABLE b ADD y int; ALTER TABLE c ADD y int",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int); CREATE TABLE b (x int)",
            "ALTER TABLE a ADD y int; ALTER TABLE b ADD y int",
        ),
    ),
)
