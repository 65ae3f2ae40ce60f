"""What is said to the person at the terminal, and asked of them."""

import sys


def progress(what: str) -> None:
    """Tell what begins now; to a terminal alone, since logs and pipes want results."""
    if sys.stderr.isatty():
        print(f"  {what} ...", file=sys.stderr, flush=True)


def indent(lines: list[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
