"""Names of database objects, with and without their quotes."""

# One part of a name, with or without quotes: "net price" or users. It must not match a number, a
# string, or a name with its schema.
IDENTIFIER = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'


def unquote(name: str) -> str:
    """The name without its quotes; quotes inside of them are written twice, and become one."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def quote(name: str) -> str:
    """The name in quotes, whether it needs them or not."""
    return '"' + name.replace('"', '""') + '"'
