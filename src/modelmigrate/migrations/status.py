"""Where a database stands, and what would be applied to it."""

from modelmigrate.migrations import revisions
from modelmigrate.migrations.revisions import read, require_whole
from modelmigrate.postgres.environments import find


def status(env: str | None = None) -> str:
    """Where a database stands.

    Raises:
        ToolError: its history is broken (exit code 4).
    """
    target = find(env)
    story = read(target.url)
    report = f"{target.title}\n{revisions.report(story)}"
    if story.broken:
        print(report)
        require_whole(story)
    return report


def dry_run(env: str | None = None) -> str:
    """What `migrate` would run; on read-only sessions, so that nothing can be made."""
    target = find(env)
    story = read(target.url)
    require_whole(story)
    if not story.pending:
        return f"nothing is pending: {target.name} is at version {story.version}"
    how = {True: "in a transaction", False: "statement by statement, outside a transaction"}
    files = [f"-- {each.name}, {how[each.in_transaction]}\n{each.sql}" for each in story.pending]
    count = f"{len(files)} file(s) would be applied to {target.title}. Nothing was changed."
    return "\n".join([*files, f"-- {count}"])
