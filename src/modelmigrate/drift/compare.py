"""The live schema against the one that is expected, without what the project ignores."""

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.migrations.revisions import MigrationStatus, read_status, require_consistent
from modelmigrate.postgres.environments import Environment
from modelmigrate.schema.diff import Change, Schema, diff, filter_ignored


def diff_ignoring(expected: Schema, found: Schema) -> list[Change]:
    return filter_ignored(diff(expected, found), project.settings().ignore)


def require_comparable(target: Environment) -> MigrationStatus:
    """The history of the database, if it can be compared with anything."""
    status = read_status(target.url)
    require_consistent(status)
    if status.partially_applied:
        raise MigrateError(
            f"{status.pending[0].name} is half done: {status.partially_applied}\nUntil it is finished (make"
            " migrate) it cannot be told what the schema should be."
        )
    return status


def describe_pending(status: MigrationStatus) -> str:
    count = len(status.pending)
    return f" ({count} pending migration{'s' if count > 1 else ''})" if count else ""
