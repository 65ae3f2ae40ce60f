"""One script run on a live database, in one transaction, with retries."""

import time

import psycopg
from psycopg import errors

from modelmigrate import project
from modelmigrate.atlas.commands import REVISIONS_TABLE
from modelmigrate.atlas.directory import Migration
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.blockers import describe, watch_blockers
from modelmigrate.migrations.lock import backoff, migration_lock
from modelmigrate.migrations.target import Target


def execute_script(target: Target, script: str, rolled_back: list[Migration]) -> None:
    """Run the script and delete the revisions that it rolls back, in one transaction.

    Raises:
        MigrateError: it could not be run; the transaction left nothing behind.
    """
    settings = target.settings
    versions = [migration.version for migration in rolled_back]
    for attempt in range(1, settings.attempts + 1):
        try:
            with (
                migration_lock(target.url, settings.wait, ours=False),
                migration_lock(target.url, settings.wait) as connection,
                watch_blockers(target.url, str(connection.info.backend_pid)) as blockers,
                connection.transaction(),
            ):
                for name, value in {
                    "lock_timeout": f"{settings.lock_timeout * 1000:.0f}",
                    "statement_timeout": "0",
                    "check_function_bodies": "off",
                }.items():
                    connection.execute(f"SET LOCAL {name} = {value}".encode())
                connection.execute(script.encode())
                if versions:  # what was changed by hand has no revision
                    _delete_revisions(connection, versions)
        except (errors.LockNotAvailable, errors.DeadlockDetected, errors.QueryCanceled) as error:
            if attempt == settings.attempts:
                raise MigrateError(
                    f"{error}\nNothing was changed. These tables are in use: retry later."
                    f"{describe(blockers)}",
                    Exit.BUSY,
                ) from None
            time.sleep(backoff(attempt))
        except psycopg.OperationalError as error:
            raise MigrateError(
                f"the connection was lost: {error}\nThe transaction was rolled back, unless its"
                " COMMIT was already on its way. Check:"
                f" {project.command('status', env=target.option)}"
            ) from None
        except psycopg.Error as error:
            raise MigrateError(
                f"the data does not allow it: {error}\nNothing was changed: the transaction was"
                " rolled back. Fix the data first, or go forward with a new migration.",
                Exit.REFUSED,
            ) from None
        else:
            return


def _delete_revisions(
    connection: psycopg.Connection[tuple[object, ...]], versions: list[str]
) -> None:
    statement = f"DELETE FROM {REVISIONS_TABLE} WHERE version = ANY(%s)"
    deleted = connection.execute(statement.encode(), [versions]).rowcount
    if deleted != len(versions):
        raise MigrateError("another process rolled a migration back. Nothing was changed.")
