"""A file outside a transaction has several statements."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile
from modelmigrate.sql.statements import shorten


def find(file: ObservedFile) -> Iterator[Found]:
    """The second statement of such a file."""
    if not file.transactional and len(file.steps) > 1:
        step = file.steps[1]
        yield Found(
            step, shorten(step.sql), "is not undone when a later statement fails, nor the first"
        )


RULE = Rule(
    name="several-statements",
    group="transaction",
    level=Level.WARN,
    title="Several statements outside a transaction",
    why="When one fails, those before it stay, and the migration is neither applied nor pending.",
    instead="Give each a file of its own.",
    find=find,
    fires=(
        Example(
            "CREATE TABLE a (x int)",
            "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY i ON a (x);"
            " CREATE INDEX CONCURRENTLY j ON a (x)",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int)", "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY i ON a (x)"
        ),
    ),
)
