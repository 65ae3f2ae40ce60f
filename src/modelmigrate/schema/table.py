"""A CREATE TABLE as data: its head, columns, constraints and options."""

import re

from modelmigrate.sql.patterns import COLUMN_DEFINITION, NOT_NULL_NAME, TEXT_LITERAL


def normalize_array_cast(array: re.Match[str]) -> str:
    return "ARRAY[" + re.sub(TEXT_LITERAL, r"(\g<0>)::text", array[1]) + "]"


def split_table(create: str) -> tuple[str, list[str], str]:
    """A table's first line, its columns and inline constraints, and what follows."""
    head, _, rest = create.partition("\n")
    if not head.endswith("("):
        return create, [], ""
    body, _, tail = rest.partition("\n)")
    if rest.startswith(")"):
        body, tail = "", rest[1:]
    columns = re.split(r",\n(?=    \S)", body) if body else []
    return head, [NOT_NULL_NAME.sub(" NOT NULL", column.strip()) for column in columns], f"){tail}"


def parse_columns(lines: list[str]) -> dict[str, re.Match[str]]:
    """The columns of a table by their names."""
    found = [
        COLUMN_DEFINITION.fullmatch(line) for line in lines if not line.startswith("CONSTRAINT ")
    ]
    return {each["name"]: each for each in found if each}
