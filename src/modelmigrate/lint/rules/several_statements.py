"""A file outside a transaction has a statement that one would undo, and others."""

import re
from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile
from modelmigrate.sql.statements import shorten

# What a transaction would undo, and others would miss.
UNDONE = re.compile(
    r"(ALTER|DROP) (TABLE|TYPE|DOMAIN)|CREATE (?!INDEX)|UPDATE|DELETE|INSERT|MERGE|TRUNCATE|DO"
)


def find(file: ObservedFile) -> Iterator[Found]:
    """The first statement of such a file that a transaction would undo with the others."""
    if not file.transactional and len(file.steps) > 1:
        for step in file.steps:
            if UNDONE.match(step.tag):
                yield Found(step, shorten(step.sql), "is not undone when another statement fails")
                return


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
            "-- atlas:txmode none\n\nALTER TABLE a ADD y int; CREATE INDEX CONCURRENTLY i ON a (y)",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int)",
            "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY i ON a (x);"
            " CREATE INDEX CONCURRENTLY j ON a (x)",
        ),
        Example("CREATE TABLE a (x int)", "-- atlas:txmode none\n\nVACUUM a; ANALYZE a"),
    ),
)
