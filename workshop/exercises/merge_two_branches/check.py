"""Merge two branches that both add migrations."""

from collections.abc import Iterator

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.git import git

from workshop.participant.state import State

COLLEAGUE = "colleague/6"
THEIRS = "20260103000000"  # the version of the colleague's migration


def missing(at: State) -> Iterator[str]:
    """What is not as the text asks, one thing at a time."""
    files = sorted(project.migrations_dir().glob("*.sql"))
    texts = {file.name: file.read_text(encoding="utf-8") for file in files}
    yours, theirs = (
        next((name for name, sql in texts.items() if f'"{column}"' in sql), "")
        for column in ("pronouns", "description")
    )
    if not theirs:
        yield f"{COLLEAGUE} is not merged into your branch: its migration is not there."
    if not yours:
        yield "Your own migration is gone: after a merge, what both have done is there."
    if not theirs.startswith(THEIRS):
        yield f"{theirs} has another version than in {COLLEAGUE}. It is deployed, and must keep its own."
    if yours < theirs:
        yield (
            f"{yours}, which is yours, is older than {theirs}, which is deployed: a database that has"
            " the colleague's never gets yours."
        )
    if git("diff", "--name-only", "--diff-filter=U"):
        yield "The merge is not concluded: git status names files that are in conflict."
    yield from at.disagreement()
    try:
        git("merge-base", "--is-ancestor", COLLEAGUE, "HEAD")
    except MigrateError:
        yield f"The files are right, and git does not know that {COLLEAGUE} is merged: commit it."
