"""A statement fails on rows that an earlier migration wrote."""

import re
from collections.abc import Iterator

from psycopg import errors

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile
from modelmigrate.sql.statements import shorten, strip_comments

# Not what writes rows: it may fail by itself.
CHANGES_SCHEMA = re.compile(r"\s*(ALTER|CREATE)\b", re.IGNORECASE)


def find(file: ObservedFile) -> Iterator[Found]:
    """The change of the schema that ends the file, where that is by the values of rows."""
    for step in file.steps:
        by_rows = isinstance(step.error, errors.IntegrityError | errors.DataError)
        if step.error and by_rows and CHANGES_SCHEMA.match(strip_comments(step.sql)):
            reason = step.error.diag.message_primary
            yield Found(step, shorten(step.sql), f"fails on rows of earlier migrations: {reason}")


RULE = Rule(
    name="fails-on-rows",
    group="data-dependent",
    level=Level.ERROR,
    title="It fails on rows that are there",
    why="Rows that an earlier migration wrote do not allow it, and those of a database in use need not either.",
    instead="Put the rows right first; for a column, give it a default, or let it be NULL until all are filled.",
    find=find,
    fires=(
        Example(
            "CREATE TABLE a (x int); INSERT INTO a VALUES (1)", "ALTER TABLE a ADD y int NOT NULL"
        ),
        Example(
            "CREATE TABLE a (x int); INSERT INTO a VALUES (1)",
            "ALTER TABLE a ADD CHECK (x > 1)",
        ),
        Example(
            "CREATE TABLE a (x text); INSERT INTO a VALUES ('b')",
            "ALTER TABLE a ALTER x TYPE int USING x::int",
        ),
    ),
    silent=(
        Example("CREATE TABLE a (x int); INSERT INTO a VALUES (1)", "ALTER TABLE a ADD y int"),
    ),
)
