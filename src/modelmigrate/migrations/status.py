"""Where a database stands, and what would be applied to it."""

from modelmigrate.migrations.revisions import describe_status, read_status, require_consistent
from modelmigrate.postgres.environments import find_environment


def show_status(env: str | None = None) -> str:
    """Where a database stands.

    Raises:
        MigrateError: its history is broken (exit code 4).
    """
    target = find_environment(env)
    status = read_status(target.url)
    report = f"{target.title}\n{describe_status(status)}"
    if status.mismatches:
        print(report)
        require_consistent(status)
    return report


def show_pending(env: str | None = None) -> str:
    """What `migrate` would run; on read-only sessions, so that nothing can be made."""
    target = find_environment(env)
    status = read_status(target.url)
    require_consistent(status)
    if not status.pending:
        return f"nothing is pending: {target.name} is at version {status.version}"
    how = {True: "in a transaction", False: "statement by statement, outside a transaction"}
    files = [f"-- {each.name}, {how[each.in_transaction]}\n{each.sql}" for each in status.pending]
    count = f"{len(files)} file(s) would be applied to {target.title}. Nothing was changed."
    return "\n".join([*files, f"-- {count}"])
