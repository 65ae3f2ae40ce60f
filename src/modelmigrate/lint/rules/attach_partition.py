"""A table becomes a partition, and its rows are read for that."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old tables that are attached, where all of their rows, or those of the default partition, are
    read."""
    for step in file.steps:
        joined = [
            after
            for before, after in step.changed(lambda each: each.relations)
            if after.is_table and after.parent and not before.parent
        ]
        made = [
            each for each in step.made(lambda each: each.relations) if each.parent and each.is_table
        ]
        for table in [*joined, *made]:
            read = sorted(step.scanned)
            if read:
                names = ", ".join(step.after.name(each) for each in read)
                what = f"becomes a partition, and all rows of {names} are read"
                yield Found(step, f"TABLE {table.name}", what, read[0])


RULE = Rule(
    name="attach-partition",
    group="lock",
    title="A partition is attached, and rows are read for it",
    why="Everybody who uses the table that is read waits until it is read.",
    instead="Add a CHECK to the table before that says the same as the bounds of the partition, NOT VALID,"
    " and validate it: ATTACH reads no rows then. The same on the default partition, with the"
    " opposite.",
    find=find,
    fires=(
        Example(
            "CREATE TABLE a (x int) PARTITION BY RANGE (x); CREATE TABLE b (x int)",
            "ALTER TABLE a ATTACH PARTITION b FOR VALUES FROM (1) TO (2)",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int) PARTITION BY RANGE (x);"
            " CREATE TABLE b (x int, CHECK (x IS NOT NULL AND x >= 1 AND x < 2))",
            "ALTER TABLE a ATTACH PARTITION b FOR VALUES FROM (1) TO (2)",
        ),
        Example(
            "CREATE TABLE a (x int) PARTITION BY RANGE (x)",
            "CREATE TABLE b PARTITION OF a FOR VALUES FROM (1) TO (2)",
        ),
    ),
)
