"""Names of database objects, with and without their quotes."""

import re

# One part of a name, with or without quotes: "net price" or users. It must not match a number, a
# string, or a name with its schema.
IDENTIFIER = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'


def unquote(name: str) -> str:
    """The name without its quotes; quotes inside of them are written twice, and become one."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def quote(name: str) -> str:
    """The name in quotes, whether it needs them or not."""
    return '"' + name.replace('"', '""') + '"'


def split_name(qualified: str) -> tuple[str, str]:
    """Schema and name, each with the quotes that it has; the schema is empty where it has none."""
    found = re.fullmatch(rf"(?:({IDENTIFIER})\.)?({IDENTIFIER})", qualified)
    return (found[1] or "", found[2]) if found else ("", qualified)
