"""Long work says what it is at, to a person who watches."""

import sys


def at(what: str) -> None:
    """Tell what begins now; to a terminal alone, since logs and pipes want results."""
    if sys.stderr.isatty():
        print(f"  {what} ...", file=sys.stderr, flush=True)
