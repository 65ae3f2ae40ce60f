"""SQL as text: split, searched and shortened, with regard to quotes, bodies and comments."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

# What is no code, to its end (of a comment that may hold others, its beginning alone); a semicolon; words,
# which a dollar may be a part of, and what lies between, up to an escape string. Together they match all
# text; none must match only a part of a string.
TOKEN = re.compile(
    r"""(?P<quoted>
            [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
            | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$ | --[^\n]*)
        | (?P<comment>/\*) | (?P<end>;) | (?:(?![eE]')\w[\w$]* | [^\w'"$/;-]+)+ | .""",
    re.DOTALL | re.VERBOSE,
)
COMMENT_EDGE = re.compile(r"/\*|\*/")
# The beginning of a function whose body is no string.
ATOMIC = re.compile(r"\s*CREATE\b.*\bBEGIN\s+ATOMIC\b", re.DOTALL | re.IGNORECASE)
# The end of such a function. The END of a CASE, or a name, never follows a semicolon.
END_OF_ATOMIC = re.compile(r"(?:;|\bATOMIC)\s*END\s*;?\s*\Z", re.IGNORECASE)

PARENTHESIS = re.compile(r"[()]")
BRACKET_OR_COMMA = re.compile(r"[][(),]")
DEPTH = {"(": 1, "[": 1, ")": -1, "]": -1}


class Piece(NamedTuple):
    """A part of a text: code, up to the next semicolon or quote; or a string, a name in quotes, a body
    in dollar quotes or a comment."""

    text: str
    start: int
    is_code: bool


def pieces(text: str) -> Iterator[Piece]:
    """All of the text, in pieces."""
    position = start_of_code = 0
    while found := TOKEN.match(text, position):
        end = end_of_comment(text, position) if found["comment"] else found.end()
        is_code = not (found["quoted"] or found["comment"])
        if not is_code and start_of_code < position:
            yield Piece(text[start_of_code:position], start_of_code, is_code=True)
        if not is_code or found["end"]:
            start = start_of_code if is_code else position
            yield Piece(text[start:end], start, is_code)
            start_of_code = end
        position = end
    if start_of_code < position:
        yield Piece(text[start_of_code:position], start_of_code, is_code=True)


def end_of_comment(text: str, start: int) -> int:
    """Where a comment ends that begins here, with a slash and a star; it may hold others."""
    depth = 0
    for edge in COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(text)


def split_statements(text: str) -> list[str]:
    """The statements, each with its semicolon and the comments before it."""
    statements, start, code = [], 0, ""
    for piece in pieces(text):
        code += piece.text if piece.is_code else " "
        if piece.is_code and piece.text.endswith(";") and not inside_atomic_body(code):
            end = piece.start + len(piece.text)
            statements.append(text[start:end].strip())
            start, code = end, ""
    statements.append(text[start:].strip())
    return [statement for statement in statements if strip_comments(statement).strip(";")]


def inside_atomic_body(code: str) -> bool:
    """Whether this beginning of a statement, without its strings and comments, ends between BEGIN ATOMIC
    and its END."""
    return bool(ATOMIC.match(code) and not END_OF_ATOMIC.search(code))


def replace_outside_quotes(
    text: str, pattern: str, replacement: str | Callable[[re.Match[str]], str]
) -> str:
    """As `re.sub`, but never in strings, quoted names, bodies or comments."""
    return "".join(
        re.sub(pattern, replacement, piece.text) if piece.is_code else piece.text
        for piece in pieces(text)
    )


def marks(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Where this is found, outside of strings, quoted names, bodies and comments; and what it is."""
    for piece in pieces(text):
        if piece.is_code:
            yield from (
                (piece.start + each.start(), each[0]) for each in pattern.finditer(piece.text)
            )


def split_at_commas(text: str) -> list[str]:
    """The parts between the commas that stand in no parentheses or brackets."""
    depth, cuts = 0, [-1]
    for position, mark in marks(text, BRACKET_OR_COMMA):
        depth += DEPTH.get(mark, 0)
        if depth == 0 and mark == ",":
            cuts.append(position)
    return [text[i + 1 : j].strip() for i, j in pairwise([*cuts, len(text)])]


def split_parentheses(statement: str) -> tuple[str, list[str], str]:
    """The text up to the first opening parenthesis, the items between the commas inside, and the text
    from the closing one on; the whole statement, no items and nothing where there are none."""
    depth, start = 0, 0
    for position, mark in marks(statement, PARENTHESIS):
        depth += DEPTH[mark]
        if depth == 1 and mark == "(":
            start = start or position + 1
        elif depth == 0 and mark == ")":
            inside = statement[start:position]
            items = split_at_commas(inside) if inside.strip() else []
            return statement[:start], items, statement[position:]
    return statement, [], ""


def strip_comments(statement: str) -> str:
    """A statement without the comments before it."""
    code = statement.lstrip()
    if not code.startswith(("--", "/*")):  # nearly all
        return code
    for piece in pieces(statement):
        if piece.text.strip() and not piece.text.startswith(("--", "/*")):
            return statement[piece.start :].lstrip()
    return ""


def shorten(statement: str) -> str:
    """A statement for a message: on one line, without the comments before it, of 100 characters at
    most."""
    line = " ".join(strip_comments(statement).split())
    return line if len(line) <= 100 else f"{line[:97]}..."
