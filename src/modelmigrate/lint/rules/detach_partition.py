"""A partition is taken out of its table."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.safe_forms import is_blocking
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old partitions that become tables of their own under an exclusive lock."""
    for step in file.steps:
        for before, after in step.changed(lambda each: each.relations):
            parent = before.parent
            if after.is_table and parent and not after.parent and is_blocking(step, parent):
                whole = step.before.name(parent)
                safe = f"ALTER TABLE {whole} DETACH PARTITION {before.name} CONCURRENTLY;"
                what = f"leaves {whole}, which nobody can use meanwhile"
                yield Found(step, f"TABLE {before.name}", what, parent, f"{NONE}{safe}")


NONE = "-- atlas:txmode none\n\n"

RULE = Rule(
    name="detach-partition",
    group="lock",
    title="A partition is detached while everybody waits",
    why="It waits for every transaction that uses the partitioned table, and all that come later wait"
    " behind it. Its rows are not seen there any more.",
    instead="DETACH PARTITION ... CONCURRENTLY, in a file of its own.",
    find=find,
    fires=(
        Example(
            "CREATE TABLE a (x int) PARTITION BY RANGE (x);"
            " CREATE TABLE b PARTITION OF a FOR VALUES FROM (1) TO (2)",
            "ALTER TABLE a DETACH PARTITION b",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int) PARTITION BY RANGE (x);"
            " CREATE TABLE b PARTITION OF a FOR VALUES FROM (1) TO (2)",
            "-- atlas:txmode none\n\nALTER TABLE a DETACH PARTITION b CONCURRENTLY",
        ),
    ),
)
