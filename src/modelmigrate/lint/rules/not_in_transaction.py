"""A statement that cannot run in the transaction of its file."""

from collections.abc import Iterator

from psycopg import errors

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile
from modelmigrate.sql.statements import shorten


def find(file: ObservedFile) -> Iterator[Found]:
    """What PostgreSQL refuses in a transaction, in a file that is one."""
    for step in file.steps:
        refused = step.refused and step.refused.in_transaction_only
        if (file.transactional and refused) or isinstance(step.error, errors.ActiveSqlTransaction):
            safe = f"-- atlas:txmode none\n\n{step.statement}"
            what = "cannot run in a transaction, which this file is"
            yield Found(step, shorten(step.sql), what, 0, safe)


RULE = Rule(
    name="not-in-transaction",
    group="transaction",
    title="A statement that cannot run in a transaction",
    why="Each file is a transaction: it fails, and nothing of it is applied.",
    instead="Put it into a file of its own that begins with `-- atlas:txmode none` and a blank line.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int)", "CREATE INDEX CONCURRENTLY i ON a (x)"),
        Example("CREATE TABLE a (x int)", "VACUUM a"),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int)", "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY i ON a (x)"
        ),
    ),
    atlas=("PG103",),
)
