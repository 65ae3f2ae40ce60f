"""What has no form that lets a service go on, and what to do instead: comments above such statements."""

import re
from collections.abc import Iterator

from modelmigrate import project
from modelmigrate.planning.dependents import DROP
from modelmigrate.schema.diff import Schema
from modelmigrate.sql.alter import (
    ADD_COLUMN,
    CHANGE_TYPE,
    DROP_COLUMN,
    RENAME,
    RENAME_COLUMN,
    parse_alter_table,
)
from modelmigrate.sql.names import label_name, unquote
from modelmigrate.sql.statements import strip_comments

RENAMED = """\
-- Code that runs meanwhile knows the old name alone, and fails. To avoid that, expand and contract:
-- 1. with {expand}: both names are there, kept in step by a trigger
-- 2. deploy code that uses the new one
-- 3. with {contract}, once no older code runs
"""
DROPPED = """\
-- Code that still uses it fails. To avoid that, expand and contract:
-- 1. with {expand}: it stays, and code need not fill it
-- 2. deploy code that does not use it
-- 3. with {contract}, once no older code runs
"""
REWRITTEN = """\
-- Rewrites the table, and nobody can use it meanwhile. To avoid that, expand and contract:
-- 1. with {expand}: a column of the new type is beside it, kept in step by a trigger
-- 2. fill that one in batches
-- 3. with {contract}, which swaps the two
"""


def with_advice(statements: list[str], schema: Schema, rewritten: set[str]) -> list[str]:
    """The statements, with a comment above the first of each kind. `schema` has the tables that are there
    before and after, and `rewritten` names those that a change of a type rewrites."""
    advised: list[str] = []
    said: set[str] = set()
    added = {column for statement in statements for column in columns_by(ADD_COLUMN, statement)}
    for statement in statements:
        comments = {*advice_on(statement, schema, rewritten, added)} - said
        said |= comments
        advised.append(with_comments(statement, comments) if comments else statement)
    return advised


def with_comments(statement: str, comments: set[str]) -> str:
    """A statement of the same kind, below these comments."""
    words = {each: project.option(each) for each in ("expand", "contract")}
    return type(statement)(
        "".join([*(each.format(**words) for each in sorted(comments)), statement])
    )


def advice_on(
    statement: str, schema: Schema, rewritten: set[str], added: set[tuple[str, str]]
) -> Iterator[str]:
    """The comments on a statement; `added` are the columns that are there again, or anew, in the end."""
    drop = DROP.match(strip_comments(statement))
    if drop and drop["kind"] == "TABLE" and f"TABLE {label_name(drop['name'])}" in schema:
        yield DROPPED
    alter = parse_alter_table(statement)
    if alter is None or f"TABLE {label_name(alter.table)}" not in schema:
        return
    if {*columns_by(DROP_COLUMN, statement)} - added:
        yield DROPPED
    for action in alter.actions:
        if RENAME.match(action) or RENAME_COLUMN.match(action):
            yield RENAMED
        elif CHANGE_TYPE.match(action) and alter.table in rewritten:
            yield REWRITTEN


def columns_by(pattern: re.Pattern[str], statement: str) -> list[tuple[str, str]]:
    """The columns that a statement adds or drops by actions of this pattern, each with its table."""
    alter = parse_alter_table(statement)
    found = map(pattern.match, alter.actions) if alter else ()
    return [(label_name(alter.table), unquote(each["column"])) for each in found if alter and each]
