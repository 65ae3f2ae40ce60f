"""An index of an existing table is dropped while everybody waits."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.safe_forms import concurrently, is_blocking
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old indexes that are dropped by a statement of that name, with an exclusive lock."""
    for step in file.steps:
        if step.tag == "DROP INDEX":
            for index in step.gone(lambda each: each.indexes):
                partitioned = step.before.relations[index.oid].kind == "I"
                if step.is_old(index.table) and not partitioned and is_blocking(step, index.table):
                    label = f"INDEX {step.before.name(index.oid)}"
                    table = step.after.name(index.table)
                    what = (
                        f"is dropped as soon as nobody reads {table}, and everybody waits for that"
                    )
                    yield Found(step, label, what, index.table, concurrently(step.statement))


RULE = Rule(
    name="drop-index-not-concurrent",
    group="concurrent-index",
    title="An index is dropped while everybody waits",
    why="It waits for every transaction that uses the table, and all that come later wait behind it.",
    instead="Drop it CONCURRENTLY, in a file of its own that begins with `-- atlas:txmode none` and a"
    " blank line.",
    find=find,
    fires=(Example("CREATE TABLE a (x int); CREATE INDEX i ON a (x)", "DROP INDEX i"),),
    silent=(
        Example(
            "CREATE TABLE a (x int); CREATE INDEX i ON a (x)",
            "-- atlas:txmode none\n\nDROP INDEX CONCURRENTLY i",
        ),
        Example("CREATE TABLE a (x int)", "CREATE INDEX CONCURRENTLY i ON a (x)"),
    ),
    atlas=("PG102",),
)
