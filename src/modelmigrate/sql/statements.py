"""SQL as text: statements told apart, never inside quotes, bodies or comments."""

import re
from itertools import pairwise

TOKEN = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | \$(\w*)\$.*?\$\1\$
        | --[^\n]* | /\*.*?\*/ | ; | (?:[^eE'"$;/-]|[eE](?!'))+ | .""",
    re.DOTALL | re.VERBOSE,
)
QUOTES = ("'", '"', "$", "--", "/*", "e'", "E'")


def split_statements(text: str) -> list[str]:
    """The statements, each with its semicolon and the comments before it."""
    statements, current, bare = [], "", ""
    for token in TOKEN.finditer(text):
        current += token[0]
        bare += "" if token[0].startswith(QUOTES) else token[0]
        if token[0] == ";" and not inside_atomic_body(bare):
            statements.append(current.strip())
            current = bare = ""
    statements.append(current.strip())
    return [statement for statement in statements if strip_comments(statement).strip(";")]


def inside_atomic_body(bare: str) -> bool:
    """Whether a statement without its quotes ends between BEGIN ATOMIC and its END."""
    words = re.findall(r"\b(?:BEGIN\s+ATOMIC|CASE|END)\b", bare, re.IGNORECASE)
    if not any(word.upper().startswith("BEGIN") for word in words):
        return False
    ends = len([word for word in words if word.upper() == "END"])
    return 2 * ends < len(words)


def replace_outside_quotes(text: str, pattern: str, replacement: str) -> str:
    """As `re.sub`, where a name, a text or a body cannot be meant."""
    return "".join(
        token[0] if token[0].startswith(QUOTES) else re.sub(pattern, replacement, token[0])
        for token in TOKEN.finditer(text)
    )


def split_parentheses(statement: str) -> tuple[str, list[str], str]:
    """What stands before the first parentheses, between the commas in them, and after them."""
    depth, cuts = 0, []
    for token in TOKEN.finditer(statement):
        for at, letter in enumerate("" if token[0].startswith(QUOTES) else token[0], token.start()):
            depth += {"(": 1, ")": -1}.get(letter, 0)
            if (depth == 1 and letter in "(,") or (depth == 0 and letter == ")"):
                cuts.append(at)
            if depth == 0 and letter == ")":
                items = [statement[i + 1 : j].strip() for i, j in pairwise(cuts)]
                return statement[: cuts[0] + 1], items, statement[at:]
    return statement, [], ""


def strip_comments(statement: str) -> str:
    """A statement without the comments before it."""
    return re.sub(r"\A(\s*--[^\n]*(\n|\Z)|\s*/\*.*?\*/)*\s*", "", statement, flags=re.DOTALL)


def shorten(statement: str) -> str:
    """A statement on one line, cut where that gets long."""
    line = " ".join(strip_comments(statement).split())
    return line if len(line) <= 100 else f"{line[:97]}..."
