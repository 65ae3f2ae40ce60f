"""SQL as text: split, searched and shortened, with regard to quotes, bodies and comments."""

import re
from itertools import pairwise

# In this order: strings (with backslashes or without), quoted names, dollar-quoted bodies, comments, a
# semicolon, the code between them, and any single letter that is left. Together they match all text;
# none must match only a part of a string or comment.
TOKEN = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | \$(\w*)\$.*?\$\1\$
        | --[^\n]* | /\*.*?\*/ | ; | (?:[^eE'"$;/-]|[eE](?!'))+ | .""",
    re.DOTALL | re.VERBOSE,
)
QUOTES = ("'", '"', "$", "--", "/*", "e'", "E'")  # how tokens begin that are no code


def split_statements(text: str) -> list[str]:
    """The statements, each with its semicolon and the comments before it."""
    statements, current, code = [], "", ""
    for token in TOKEN.finditer(text):
        current += token[0]
        code += "" if token[0].startswith(QUOTES) else token[0]
        if token[0] == ";" and not inside_atomic_body(code):
            statements.append(current.strip())
            current = code = ""
    statements.append(current.strip())
    return [statement for statement in statements if strip_comments(statement).strip(";")]


def inside_atomic_body(code: str) -> bool:
    """Whether this beginning of a statement, without its strings and comments, ends between BEGIN ATOMIC
    and its END."""
    words = re.findall(r"\b(?:BEGIN\s+ATOMIC|CASE|END)\b", code, re.IGNORECASE)
    if not any(word.upper().startswith("BEGIN") for word in words):
        return False
    ends = len([word for word in words if word.upper() == "END"])
    return 2 * ends < len(words)


def replace_outside_quotes(text: str, pattern: str, replacement: str) -> str:
    """As `re.sub`, but never in strings, quoted names, bodies or comments."""
    return "".join(
        token[0] if token[0].startswith(QUOTES) else re.sub(pattern, replacement, token[0])
        for token in TOKEN.finditer(text)
    )


def split_parentheses(statement: str) -> tuple[str, list[str], str]:
    """The text up to the first opening parenthesis, the items between the commas inside, and the text
    from the closing one on; the whole statement, no items and nothing where there are none."""
    depth, cuts = 0, []
    for token in TOKEN.finditer(statement):
        code = "" if token[0].startswith(QUOTES) else token[0]
        for position, letter in enumerate(code, token.start()):
            depth += {"(": 1, ")": -1}.get(letter, 0)
            if (depth == 1 and letter in "(,") or (depth == 0 and letter == ")"):
                cuts.append(position)
            if depth == 0 and letter == ")":
                items = [statement[i + 1 : j].strip() for i, j in pairwise(cuts)]
                return statement[: cuts[0] + 1], items, statement[position:]
    return statement, [], ""


def strip_comments(statement: str) -> str:
    """A statement without the comments before it."""
    return re.sub(r"\A(\s*--[^\n]*(\n|\Z)|\s*/\*.*?\*/)*\s*", "", statement, flags=re.DOTALL)


def shorten(statement: str) -> str:
    """A statement for a message: on one line, without the comments before it, of 100 characters at
    most."""
    line = " ".join(strip_comments(statement).split())
    return line if len(line) <= 100 else f"{line[:97]}..."
