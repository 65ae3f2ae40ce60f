"""What has no form that lets a service go on, and what to do instead: comments above such statements."""

from collections.abc import Iterator

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
-- 1. add the new name beside the old one, and a trigger that keeps both in step
-- 2. fill the new one in batches, and deploy code that uses it
-- 3. drop the old one in a migration of its own
"""
DROPPED = """\
-- Code that still uses it fails. To avoid that, expand and contract:
-- 1. deploy code that does not use it, and whose models do not have it
-- 2. apply this migration once no other code runs
"""
REWRITTEN = """\
-- Rewrites the table, and nobody can use it meanwhile. To avoid that, expand and contract:
-- 1. add a column of the new type, and a trigger that keeps both in step
-- 2. fill it in batches, and deploy code that uses it
-- 3. drop the old column in a migration of its own
"""


def with_advice(statements: list[str], schema: Schema, rewritten: set[str]) -> list[str]:
    """The statements, with a comment above the first of each kind. `schema` has the tables that are there
    before and after, and `rewritten` names those that a change of a type rewrites."""
    advised: list[str] = []
    said: set[str] = set()
    for number, statement in enumerate(statements):
        comments = {*advice_on(statement, statements[number:], schema, rewritten)} - said
        said |= comments
        advised.append(type(statement)("".join([*sorted(comments), statement])))
    return advised


def advice_on(
    statement: str, following: list[str], schema: Schema, rewritten: set[str]
) -> Iterator[str]:
    """The comments on a statement; `following` are those from it on."""
    drop = DROP.match(strip_comments(statement))
    if drop and drop["kind"] == "TABLE" and f"TABLE {label_name(drop['name'])}" in schema:
        yield DROPPED
    alter = parse_alter_table(statement)
    if alter is None or f"TABLE {label_name(alter.table)}" not in schema:
        return
    for action in alter.actions:
        if column := DROP_COLUMN.match(action):
            added = (name for each in following for name in added_columns(alter.table, each))
            if unquote(column["column"]) not in added:
                yield DROPPED
        elif RENAME.match(action) or RENAME_COLUMN.match(action):
            yield RENAMED
        elif CHANGE_TYPE.match(action) and alter.table in rewritten:
            yield REWRITTEN


def added_columns(table: str, statement: str) -> list[str]:
    """The columns that a statement adds to this table."""
    alter = parse_alter_table(statement)
    if alter is None or label_name(alter.table) != label_name(table):
        return []
    return [unquote(found["column"]) for found in map(ADD_COLUMN.match, alter.actions) if found]
