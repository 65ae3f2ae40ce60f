"""Backfills: rows updated in batches while a service is at work, each batch in a short transaction."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import errors

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.batches import (
    Backfill,
    Key,
    blamed_on,
    column_values,
    first_line,
    prepare,
    run_one,
)
from modelmigrate.migrations.blockers import describe, watch_blockers
from modelmigrate.migrations.lock import backoff, take_lock
from modelmigrate.migrations.target import Target
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.environments import confirm
from modelmigrate.terminal import note, progress, say

BACKFILL_LOCK = 1_097_121 << 32  # the table's oid is added
REPORT_EVERY = 10.0  # seconds
PASSES = 3  # what others write meanwhile may lie behind the first
# What a failure means: somebody else had the rows; or they do not allow it, nor do their triggers.
CODES: dict[tuple[type[psycopg.Error], ...], Exit] = {
    (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure): Exit.BUSY,
    (psycopg.IntegrityError, psycopg.DataError, errors.RaiseException): Exit.REFUSED,
}


@dataclass
class Done:
    """How far a backfill has come."""

    total: int
    """Rows that matched when it began."""
    rows: int = 0
    batches: int = 0
    last: Key = ()
    """The key behind which the next batch begins; empty before the first one."""
    keys: list[Key] = field(default_factory=list)
    """Of the rows that are being updated."""
    begun: float = field(default_factory=time.monotonic)
    reported: float = field(default_factory=time.monotonic)

    def report(self) -> None:
        """Tell now and then how far it is, and how long the rest may take."""
        now = time.monotonic()
        if now - self.reported < REPORT_EVERY or not self.rows:
            return
        self.reported, total = now, max(self.total, self.rows)
        rest = duration((now - self.begun) / self.rows * (total - self.rows))
        share = f"{self.rows:,} of {total:,} rows ({100 * self.rows // total} %)"
        note(f"  {share}, about {rest} left")

    def describe(self) -> str:
        """What a failure leaves behind."""
        if not self.rows:
            return "Nothing was changed."
        return (
            f"{self.rows:,} rows are updated and stay so; the same command goes on with the others."
        )


def backfill_table(
    target: Target,
    table: str,
    assignments: str,
    condition: str,
    size: int = 1000,
    pause: float = 0,
    *,
    dry_run: bool = False,
    yes: bool = False,
) -> str:
    """Update the rows of a table that match a condition, `size` of them in a transaction, with `pause`
    seconds after each. The update has to make the condition false, so that it can be repeated.

    Raises:
        MigrateError: what is wrong with the table or the SQL; which rows cannot be updated (exit code
            3); who has a lock (5). What was updated before stays.
    """
    with session(target, default_transaction_read_only="on") as connection:
        backfill = prepare(connection, table, assignments, condition, size)
        progress("counting the rows that match")
        with blamed_on(project.option("where", condition)):
            [(total,)] = run_one(connection, backfill.matching)
            keys = run_one(connection, backfill.next_keys(()))
        if not keys:
            return f"No row of {backfill.table} matches in {target.name}. Nothing was changed."
        if dry_run:
            plan = run_one(connection, f"EXPLAIN {backfill.update}", *column_values(keys))
            return "\n".join(
                [
                    f"-- the first batch: {backfill.describe(keys)}",
                    f"{backfill.update};",
                    *(f"--   {line}" for (line,) in plan),
                    f"-- {total:,} row(s) of {backfill.table} match in {target.title}. Nothing was"
                    " changed.",
                ]
            )
    what = f"update {total:,} row(s) of {backfill.table}: SET {assignments} WHERE {condition}"
    confirm(target.environment, what, yes=yes)
    done = Done(total)
    try:
        remaining = update_all(target, backfill, done, pause)
    except KeyboardInterrupt:
        note(done.describe())
        raise
    taken = duration(time.monotonic() - done.begun)
    result = f"{done.rows:,} row(s) of {backfill.table}, in {done.batches:,} batch(es) and {taken}"
    if remaining:
        raise MigrateError(
            f"updated {result}. But {remaining:,} row(s) match that others wrote meanwhile. Deploy"
            " what writes no such rows, then repeat the command."
        )
    return f"Updated {result}. No row matches any more."


def update_all(target: Target, backfill: Backfill, done: Done, pause: float) -> int:
    """Update all rows that match, and try again where that may help; how many match in the end.

    Raises:
        MigrateError: it cannot go on.
    """
    settings, failures, last_error = target.settings, 0, None
    blockers: dict[int, str] = {}
    while True:
        batches = done.batches
        try:
            with (
                session(target) as connection,
                watch_blockers(target.url, str(connection.info.backend_pid)) as blockers,
            ):
                # Our own session before may be there for a while, though its connection is lost.
                wait = settings.wait if last_error else 0
                owner = f"another backfill of {backfill.table}"
                take_lock(connection, BACKFILL_LOCK + backfill.oid, wait, owner, done.describe())
                return walk(connection, backfill, done, pause, settings.statement_timeout)
        except psycopg.Error as error:
            last_error = error
        except MigrateError as error:
            if error.code != Exit.ERROR or not last_error:
                raise  # any other is that of a new connection, which may come
        failures = 1 if done.batches > batches else failures + 1
        if not is_transient(last_error) or failures >= settings.attempts:
            raise failure(last_error, backfill, done, describe(blockers)) from None
        seconds = backoff(failures)
        say(f"  {first_line(last_error)}: retry in {seconds:.1f} s")
        time.sleep(seconds)


def walk(
    connection: psycopg.Connection[Any],
    backfill: Backfill,
    done: Done,
    pause: float,
    timeout: float,
) -> int:
    """Update one batch after the other, from where it stopped; how many rows match in the end."""
    remaining = 0
    for _ in range(PASSES):
        while keys := run_one(connection, backfill.next_keys(done.last), *done.last):
            done.keys = keys
            with connection.transaction():
                connection.execute(f"SET LOCAL statement_timeout = {timeout * 1000:.0f}".encode())
                updated = update_batch(connection, backfill, done)
            done.rows += updated
            done.batches += 1
            done.last, done.keys = keys[-1], []
            done.report()
            time.sleep(pause)
        done.last = ()
        [(remaining,)] = run_one(connection, backfill.matching)
        if not remaining:
            break
    return remaining


def update_batch(connection: psycopg.Connection[Any], backfill: Backfill, done: Done) -> int:
    """Update the rows of a batch that match still; how many.

    Raises:
        MigrateError: they match afterwards, too, or have another key (exit code 3).
    """
    updated = run_one(connection, backfill.update, *column_values(done.keys))
    if not set(updated) <= set(done.keys):
        raise MigrateError(
            f"{project.option('set', backfill.assignments)} changes the key of {backfill.table}, by which"
            f" batches are told apart. {done.describe()}",
            Exit.REFUSED,
        )
    if not updated:
        return 0
    if still := run_one(connection, backfill.still_matching, *column_values(updated)):
        count, *key = still[0]
        raise MigrateError(
            f"{count:,} of {len(updated):,} updated row(s) match"
            f" {project.option('where', backfill.condition)} as before: {backfill.describe([tuple(key)])},"
            f" for one. Every run would update them again, so their batch was rolled back.\n"
            f"{done.describe()} Say what the update makes false, such as nick IS NULL, and leave out"
            " what it cannot change, such as AND username IS NOT NULL",
            Exit.REFUSED,
        )
    return len(updated)


@contextmanager
def session(target: Target, **settings: str) -> Iterator[psycopg.Connection[Any]]:
    """A session, with these run-time parameters, that reads as long as it takes.

    Raises:
        MigrateError: there is no connection.
    """
    settings |= {
        "lock_timeout": f"{target.settings.lock_timeout * 1000:.0f}",
        "statement_timeout": "0",
        "datestyle": "ISO",  # in which keys are read back as they were written
    }
    with closing(connect(target.url)) as connection:
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, false)", [name, value])
        yield connection


def is_transient(error: psycopg.Error) -> bool:
    """Whether a retry may work: a lock, a deadlock, a lost connection; not a statement's timeout."""
    return isinstance(error, psycopg.OperationalError) and not isinstance(
        error, errors.QueryCanceled
    )


def failure(error: psycopg.Error, backfill: Backfill, done: Done, blockers: str) -> MigrateError:
    """What to say of an error of PostgreSQL that no retry has helped with."""
    code = next((code for kinds, code in CODES.items() if isinstance(error, kinds)), Exit.ERROR)
    cures = {
        Exit.BUSY: "Others have these rows in use: retry later.",
        Exit.REFUSED: f"Fix these rows, or leave them out in {project.option('where', '...')}.",
        Exit.ERROR: "Fix the cause, then repeat the command.",
    }
    rows = f" with {backfill.describe(done.keys)}" if done.keys else ""
    return MigrateError(
        f"rows of {backfill.table}{rows} cannot be updated: {first_line(error)}\nTheir batch was rolled"
        f" back. {done.describe()} {cures[code]}{blockers if code == Exit.BUSY else ''}",
        code,
    )


def duration(seconds: float) -> str:
    """A time, as people read it."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
