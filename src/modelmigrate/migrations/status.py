"""Where a database stands, and what would be applied to it."""

from modelmigrate.atlas.directory import Migration
from modelmigrate.atlas.refused_statements import require_runnable
from modelmigrate.migrations.revisions import describe_status, read_status, require_consistent
from modelmigrate.migrations.target import Target
from modelmigrate.terminal import say


def show_status(target: Target) -> str:
    """Which migrations are applied and which are pending.

    Raises:
        MigrateError: files and revision table do not match (exit code 4).
    """
    status = read_status(target.url)
    report = f"{target.title}\n{describe_status(status)}"
    if status.mismatches:
        say(report)
        require_consistent(status)
    return report


def show_pending(target: Target, held_back: list[Migration] | None = None) -> str:
    """The SQL that `apply` would run; read on read-only sessions, so that nothing can be changed.

    Raises:
        MigrateError: a file has a statement that is refused.
    """
    require_runnable()
    pending = [each for each in target.status.pending if each not in (held_back or ())]
    if not pending:
        return f"nothing is to be applied: {target.name} is at version {target.status.version}"
    how = {True: "in a transaction", False: "statement by statement, outside a transaction"}
    files = [f"-- {each.name}, {how[each.transactional]}\n{each.sql}" for each in pending]
    count = f"{len(files)} file(s) would be applied to {target.title}. Nothing was changed."
    return "\n".join([*files, f"-- {count}"])
