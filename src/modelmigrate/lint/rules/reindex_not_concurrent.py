"""An index is rebuilt while writers wait."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.safe_forms import is_blocking
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """REINDEX of an old table that keeps writers out."""
    for step in file.steps:
        tables = [each for each in step.locks if step.is_table(each) and is_blocking(step, each)]
        if step.tag == "REINDEX" and tables:
            safe = step.statement
            for word in (" TABLE ", " INDEX "):
                safe = safe.replace(word, f"{word}CONCURRENTLY ", 1)
            name = step.after.name(tables[0])
            yield Found(
                step, f"TABLE {name}", "is reindexed while nobody can write it", tables[0], safe
            )


RULE = Rule(
    name="reindex-not-concurrent",
    group="concurrent-index",
    title="REINDEX without CONCURRENTLY",
    why="Everybody who writes the table, or reads it by this index, waits until it is built.",
    instead="REINDEX ... CONCURRENTLY, in a file of its own that begins with `-- atlas:txmode none` and a"
    " blank line.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int); CREATE INDEX i ON a (x)", "REINDEX INDEX i"),
        Example("CREATE TABLE a (x int PRIMARY KEY)", "REINDEX TABLE a"),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int); CREATE INDEX i ON a (x)",
            "-- atlas:txmode none\n\nREINDEX INDEX CONCURRENTLY i",
        ),
    ),
)
