"""A CREATE TABLE statement of `pg_dump` in its parts."""

from modelmigrate.sql.patterns import AUTOMATIC_NOT_NULL_NAME
from modelmigrate.sql.statements import split_parentheses


def split_table(create_sql: str) -> tuple[str, list[str], str]:
    """What comes before a table's columns, the columns and constraints, and what follows them, with
    the settings in statements of their own."""
    head, items, tail = split_parentheses(create_sql)
    return head, [AUTOMATIC_NOT_NULL_NAME.sub(" NOT NULL", item) for item in items], tail


def join_table(head: str, items: list[str], tail: str) -> str:
    """The statement of these parts."""
    return head + ",".join(f"\n    {each}" for each in items) + f"\n{tail}"
