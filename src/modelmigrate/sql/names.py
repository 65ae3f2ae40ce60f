"""Names of database objects, with and without their quotes."""

import functools
import re

# One part of a name, with or without quotes: "net price" or users. It must not match a number, a
# string, or a name with its schema.
IDENTIFIER = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
QUALIFIED = rf"{IDENTIFIER}(?:\.{IDENTIFIER})?"
MAX_BYTES = 63  # of a name


def unquote(name: str) -> str:
    """The name without its quotes; quotes inside of them are written twice, and become one."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def quote(name: str) -> str:
    """The name in quotes, whether it needs them or not."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as a string in SQL."""
    return "'" + text.replace("'", "''") + "'"


def split_name(qualified: str) -> tuple[str, str]:
    """Schema and name, each with the quotes that it has; the schema is empty where it has none."""
    found = re.fullmatch(rf"(?:({IDENTIFIER})\.)?({IDENTIFIER})", qualified)
    return (found[1] or "", found[2]) if found else ("", qualified)


@functools.cache  # the dumps of one command have mostly the same names
def label_part(name: str) -> str:
    """A name without quotes as labels have it: as it is, but in quotes where dots, spaces or quotes
    inside would let it read like two."""
    return quote(name) if re.search(r'[ ."]', name) else name


def label_name(qualified: str) -> str:
    """A name that SQL has, perhaps in quotes, as labels have it; in `public` where it has no schema."""
    schema, name = map(unquote, split_name(qualified))
    return f"{label_part(schema or 'public')}.{label_part(name)}"


def with_suffix(name: str, suffix: str) -> str:
    """A name, without quotes, with something behind it; as short as PostgreSQL allows, which would cut
    the suffix off."""
    room = MAX_BYTES - len(suffix.encode())
    return name.encode()[:room].decode(errors="ignore") + suffix
