"""One script run on a live database, in one transaction, with retries."""

import time

import psycopg
from psycopg import errors

from modelmigrate import project
from modelmigrate.atlas.directory import Migration
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.lock import backoff, migration_lock
from modelmigrate.migrations.revisions import REVISIONS_TABLE


def execute_script(url: str, script: str, going: list[Migration]) -> None:
    """Run the script and forget the migrations, in one transaction.

    Raises:
        MigrateError: it could not be done; the transaction left nothing behind.
    """
    limits = project.settings()
    versions = [migration.version for migration in going]
    for attempt in range(1, limits.attempts + 1):
        try:
            with (
                migration_lock(url, limits.wait, ours=False),
                migration_lock(url, limits.wait) as connection,
                connection.transaction(),
            ):
                timeouts = {"lock_timeout": limits.lock_timeout, "statement_timeout": 0}
                for name, seconds in (*timeouts.items(), ("check_function_bodies", "off")):
                    value = f"{seconds * 1000:.0f}" if isinstance(seconds, int | float) else seconds
                    connection.execute(f"SET LOCAL {name} = {value}".encode())
                connection.execute(script.encode())
                if not versions:  # what was changed by hand is in no record
                    return
                forget = f"DELETE FROM {REVISIONS_TABLE} WHERE version = ANY(%s)"
                gone = connection.execute(forget.encode(), [versions]).rowcount
                if gone != len(versions):
                    raise MigrateError("somebody else took a migration back. Nothing was changed.")
        except (errors.LockNotAvailable, errors.DeadlockDetected, errors.QueryCanceled) as error:
            if attempt == limits.attempts:
                raise MigrateError(
                    f"{error}\nNothing was changed. Others use these tables: try again later",
                    Exit.BUSY,
                ) from None
            time.sleep(backoff(attempt))
            continue
        except psycopg.OperationalError as error:
            raise MigrateError(
                f"the connection was lost: {error}\nThe transaction was rolled back, unless its"
                " COMMIT was on the way: see make migrate-status"
            ) from None
        except psycopg.Error as error:
            raise MigrateError(
                f"the rows do not allow it: {error}\nNothing was changed: the transaction was"
                " rolled back. Mend the rows first, or go forward with a new migration.",
                Exit.REFUSED,
            ) from None
        return
