"""A value of an enum is used in the transaction that adds it."""

from collections.abc import Iterator

from psycopg import errors

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile
from modelmigrate.sql.statements import shorten


def find(file: ObservedFile) -> Iterator[Found]:
    """What PostgreSQL refuses for that."""
    for step in file.steps:
        if isinstance(step.error, errors.UnsafeNewEnumValueUsage):
            yield Found(step, shorten(step.sql), f"fails: {step.error.diag.message_primary}")


RULE = Rule(
    name="new-value-used",
    group="transaction",
    title="A new value of an enum is used at once",
    why="PostgreSQL refuses it until the transaction that added the value has ended: the file fails.",
    instead="Add the value in a migration of its own.",
    find=find,
    fires=(
        Example(
            "CREATE TYPE t AS ENUM ('a'); CREATE TABLE a (x t)",
            "ALTER TYPE t ADD VALUE 'b'; ALTER TABLE a ALTER x SET DEFAULT 'b'",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int)",
            "CREATE TYPE t AS ENUM ('a'); ALTER TABLE a ADD y t DEFAULT 'a'",
        ),
    ),
)
