"""Make a destructive change safe: expand and contract, with every value kept."""

import io
import re
from collections.abc import Iterator
from contextlib import redirect_stdout

from modelmigrate.errors import Exit, MigrateError
from modelmigrate.lint.run import lint_migrations

from workshop.participant.state import State

ADDS = re.compile(r'ADD COLUMN (IF NOT EXISTS )?"?display_name', re.IGNORECASE)
DROPS = re.compile(r'DROP COLUMN (IF EXISTS )?"?full_name', re.IGNORECASE)
RENAMES = re.compile(r'RENAME (COLUMN )?"?full_name', re.IGNORECASE)
NAMES = {"ada": "Ada Lovelace", "grace": "Grace Hopper"}


def missing(at: State) -> Iterator[str]:
    """What is not as the text asks, one thing at a time."""
    if at.model_column("users", "display_name") is None:
        yield "The model of a user has no display_name."
    adding, dropping, renaming = (
        [name for name, sql in at.new_migrations.items() if pattern.search(sql)]
        for pattern in (ADDS, DROPS, RENAMES)
    )
    if renaming:
        yield f"{renaming[0]} renames the column: from that moment on, old code fails on every user."
    if not adding:
        yield "No migration adds display_name."
    if set(adding) & set(dropping):
        yield (
            f"{dropping[0]} adds the new column and drops the old one in one step: there is no moment"
            " at which old and new code both work."
        )
    yield from at.unapplied()
    shown = dict(at.query("SELECT username, display_name FROM users"))
    if lost := [username for username, name in NAMES.items() if shown.get(username) != name]:
        yield f"The display_name of {' and '.join(lost)} is not what their full_name was."
    if at.model_column("users", "full_name") is not None or not dropping:
        yield "The database is expanded, which is half of the way: full_name is still there."
    try:
        with redirect_stdout(io.StringIO()):
            lint_migrations(at.exercise.start)
    except MigrateError as error:
        if error.code != Exit.REFUSED:
            raise
        yield "make migrate-lint does not accept a migration of yours: read what it says."
    yield from at.disagreement()
