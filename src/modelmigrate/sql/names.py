"""Names of database objects, with and without their quotes."""

IDENTIFIER = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'


def unquote(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
