"""A CREATE TABLE statement as data: its head, columns, constraints and options."""

import re

from modelmigrate.sql.patterns import (
    COLUMN_DEFINITION,
    INDEX_TABLE,
    NOT_NULL_NAME,
    TABLE_HEAD,
    TEXT_LITERAL,
)


def normalize_array_cast(array: re.Match[str]) -> str:
    """`(ARRAY['a'::varchar, ...])::text[]` with the cast at each of its elements instead."""
    return "ARRAY[" + re.sub(TEXT_LITERAL, r"(\g<0>)::text", array[1]) + "]"


def table_name(head: str) -> str:
    """The qualified name in the first line of a CREATE TABLE."""
    return TABLE_HEAD.sub(r"\g<name>", head)


def indexed_table(create_sql: str) -> str:
    """The table or materialized view that a CREATE INDEX names; empty if it names none."""
    found = INDEX_TABLE.search(create_sql)
    return found["table"] if found else ""


def split_table(create_sql: str) -> tuple[str, list[str], str]:
    """A table's first line, its columns and inline constraints, and what follows."""
    head, _, rest = create_sql.partition("\n")
    if not head.endswith("("):
        return create_sql, [], ""
    body, _, tail = rest.partition("\n)")
    if rest.startswith(")"):
        body, tail = "", rest[1:]
    columns = re.split(r",\n(?=    \S)", body) if body else []
    return head, [NOT_NULL_NAME.sub(" NOT NULL", column.strip()) for column in columns], f"){tail}"


def parse_columns(lines: list[str]) -> dict[str, re.Match[str]]:
    """The columns among the lines of a CREATE TABLE, by their names."""
    columns = [
        COLUMN_DEFINITION.fullmatch(line) for line in lines if not line.startswith("CONSTRAINT ")
    ]
    return {column["name"]: column for column in columns if column}
