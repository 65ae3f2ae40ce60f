"""What is printed for the person at the terminal, and asked of them; below `cli.py`, nothing else does."""

import re
import sys


def say(text: str = "", *, end: str = "\n") -> None:
    """Print a part of the result to stdout, at once: what follows may take long, or fail."""
    print(text, end=end, flush=True)


def note(text: str = "", *, end: str = "\n") -> None:
    """Print to stderr what is no result: a remark, or what is going on."""
    print(text, end=end, file=sys.stderr, flush=True)


def progress(step: str) -> None:
    """Note the step that begins now; at a terminal only, since logs and pipes want results."""
    if sys.stderr.isatty():
        note(f"  {step} ...")


def is_interactive() -> bool:
    """Whether a person at a terminal can answer a question."""
    return sys.stdin.isatty()


def ask(question: str) -> str:
    """The answer that is typed to a question."""
    return input(question)


def indent(lines: list[str]) -> str:
    """Lines as the items of a message."""
    return "\n".join(f"  {line}" for line in lines)


def markdown(text: str) -> str:
    """A text in one line of Markdown, in the cell of a table, too."""
    return text.replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")


def annotation(level: str, text: str, **properties: object) -> str:
    """A line that GitHub Actions shows beside the code, or above it; line breaks are codes in it.

    Source: `escapeData` and `escapeProperty` in actions/toolkit, packages/core/src/command.ts.
    """

    def escape(value: object, *more: str) -> str:
        codes = {mark: f"%{ord(mark):02X}" for mark in ("%", "\r", "\n", *more)}
        return "".join(codes.get(mark, mark) for mark in str(value))

    named = ",".join(f"{name}={escape(value, ':', ',')}" for name, value in properties.items())
    return f"::{level} {named}::{escape(text)}"


def fenced(language: str, text: str) -> str:
    """A block of Markdown that no line of the text ends before its end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
