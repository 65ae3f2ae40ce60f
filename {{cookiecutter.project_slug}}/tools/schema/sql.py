"""SQL as text: statements told apart, never inside quotes, bodies or comments."""

import re

TOKEN = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | \$(\w*)\$.*?\$\1\$
        | --[^\n]* | /\*.*?\*/ | ; | (?:[^eE'"$;/-]|[eE](?!'))+ | .""",
    re.DOTALL | re.VERBOSE,
)


def split(text: str) -> list[str]:
    """The statements, each with its semicolon and the comments before it.

    A body between BEGIN ATOMIC and END is split, too: hand such statements on as they are.
    """
    statements, current = [], ""
    for token in TOKEN.finditer(text):
        current += token[0]
        if token[0] == ";":
            statements.append(current.strip())
            current = ""
    statements.append(current.strip())
    return [statement for statement in statements if code(statement).strip(";")]


def outside_quotes(text: str, pattern: str, replacement: str) -> str:
    """As `re.sub`, where a name, a text or a body cannot be meant."""
    return "".join(
        token[0]
        if token[0].startswith(("'", '"', "$", "--", "/*"))
        else re.sub(pattern, replacement, token[0])
        for token in TOKEN.finditer(text)
    )


def code(statement: str) -> str:
    """A statement without the comments before it."""
    return re.sub(r"\A(\s*--[^\n]*(\n|\Z)|\s*/\*.*?\*/)*\s*", "", statement, flags=re.DOTALL)


def in_short(statement: str) -> str:
    """A statement on one line, cut where that gets long."""
    line = " ".join(code(statement).split())
    return line if len(line) <= 100 else f"{line[:97]}..."
