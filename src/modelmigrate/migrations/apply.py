"""Migrations applied to a database that is in use: checked before, guarded meanwhile, verified after."""

import re
import subprocess
import threading
import time
from contextlib import closing, suppress
from itertools import groupby
from urllib.parse import quote

import psycopg

from modelmigrate import project
from modelmigrate.atlas.commands import atlas_error, command_line, environment, hide_passwords
from modelmigrate.atlas.directory import Migration
from modelmigrate.atlas.refused_statements import require_runnable
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.blockers import describe, watch_blockers
from modelmigrate.migrations.lock import backoff, migration_lock
from modelmigrate.migrations.preflight import (
    check_indexes,
    check_privileges,
    created_by,
    drop_concurrently,
    invalid_indexes,
)
from modelmigrate.migrations.revisions import MigrationStatus, mark_contracts, read_status
from modelmigrate.migrations.target import Target
from modelmigrate.migrations.verify import verify_schema
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.environments import confirm
from modelmigrate.postgres.scratch import why_not_comparable
from modelmigrate.postgres.snapshots import copy_roles
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import replay_migrations
from modelmigrate.terminal import say

ATLAS_APPLICATION = "atlas migrate apply"
# What Atlas says when a retry may well work.
TRANSIENT = re.compile(
    "lock timeout|deadlock detected|terminating connection|connection (?:refused|reset)|bad connection"
    "|database system is|unexpected EOF|broken pipe|server closed|no such file or directory"
    "|acquiring database lock|57P01|55P03|40P01",
    re.IGNORECASE,
)
LOCK_TIMED_OUT = re.compile("lock timeout|database lock|55P03")


class TransientError(MigrateError):
    """A failure that a retry may not meet."""

    def __init__(self, message: str, short: str, code: Exit = Exit.ERROR) -> None:
        super().__init__(message, code)
        self.short = short


def apply_pending(
    target: Target, held_back: list[Migration] | None = None, *, yes: bool = False
) -> str:
    """Apply the pending migrations but for those that are held back, the newest ones; then compare the
    live schema with the replayed one, where this machine has a server to replay them on.

    Raises:
        MigrateError: what blocks it, or a live schema that differs (exit code 2).
    """
    require_runnable()
    check_privileges(target.environment)
    first_held = min((each.version for each in held_back or ()), default="")
    if pending := to_apply(target.status, first_held):
        what = f"apply {len(pending)} migration(s), up to {pending[-1].name}"
        confirm(target.environment, what, yes=yes)
    check_indexes(target.url, target.status)
    settings = target.settings
    for attempt in range(1, settings.attempts + 1):
        try:
            with migration_lock(target.url, settings.wait, ours=False):
                pass  # held by Atlas run by hand: told apart here, where its holder can be named
            with migration_lock(target.url, settings.wait):
                # Another process may have applied them meanwhile.
                target = target.refreshed()
                apply_files(target, to_apply(target.status, first_held))
            break
        except TransientError as error:
            if attempt == settings.attempts:
                raise MigrateError(
                    f"{error}\n{describe_remaining_state(target)}", error.code
                ) from None
            seconds = backoff(attempt)
            say(f"  {error.short}: retry in {seconds:.1f} s")
            time.sleep(seconds)
    pending = to_apply(target.status, first_held)
    reason = why_not_comparable(target.url)
    if not reason:
        copy_roles(target.url)
        with replay_migrations([*target.status.applied, *pending]) as replayed_url:
            verify_schema(target, read_schema(replayed_url), "The migrations are applied.")
    applied = len(pending)
    what = (
        f"Applied {applied} migration{'s' if applied != 1 else ''}." if applied else "No changes."
    )
    version = pending[-1].version if pending else target.status.version
    verified = (
        f"was not compared with the migration files: {reason}"
        if reason
        else "matches the migration files"
    )
    return f"{what} {target.name} is at version {version}; its schema {verified}."


def to_apply(status: MigrationStatus, first_held: str) -> list[Migration]:
    """What is pending, up to the first version that is held back; all where that is empty."""
    return [each for each in status.pending if not first_held or each.version < first_held]


def apply_files(target: Target, pending: list[Migration]) -> None:
    """Let Atlas apply these files: those in a transaction together, others one by one."""
    try:
        _apply_in_batches(target, pending)
    except BaseException:
        with suppress(MigrateError, psycopg.Error):  # the server may be down
            mark_contracts(target.url, pending)
        raise
    mark_contracts(target.url, [*target.status.applied, *pending])


def _apply_in_batches(target: Target, pending: list[Migration]) -> None:
    settings = target.settings
    by_mode = groupby(pending, lambda migration: migration.transactional)
    for transactional, group in by_mode:
        files = list(group)
        for batch in [files] if transactional else [[file] for file in files]:
            # An index that is built concurrently waits for others, and others never for it.
            timeouts = (settings.lock_timeout, settings.statement_timeout)
            session = session_url(target.url, *(timeouts if transactional else (0, 0)))
            apply_batch(target, batch, session)


def session_url(url: str, lock_timeout: float, statement_timeout: float) -> str:
    """The URL with timeouts, in seconds, that hold for the session, whatever a file SETs and RESETs."""
    options = [f"-c lock_timeout={lock_timeout * 1000:.0f}"]
    if statement_timeout:
        options.append(f"-c statement_timeout={statement_timeout * 1000:.0f}")
    with closing(connect(url)) as connection:
        row = connection.execute("SELECT version()").fetchone()
    if row and "linux" in row[0]:  # other systems refuse it
        options.append("-c client_connection_check_interval=2000")
    parameters = {"options": " ".join(options), "application_name": ATLAS_APPLICATION}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    return f"{url}{'&' if '?' in url else '?'}{query}"


def apply_batch(target: Target, batch: list[Migration], session: str) -> None:
    """Apply these files on sessions with the URL `session`.

    Raises:
        TransientError: a retry may work.
        MigrateError: it will not; what is left.
    """
    options = ("--tx-mode", "file", "--lock-timeout", "10s")
    child = subprocess.Popen(
        command_line("migrate", "apply", str(len(batch)), *options),
        cwd=project.root(),
        env=environment(DATABASE_URL=session),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    with child, watch_blockers(target.url, ATLAS_APPLICATION) as blockers:
        stderr: list[str] = []
        reader = threading.Thread(target=lambda: stderr.extend(child.stderr or ()))
        reader.start()
        try:
            _show_progress(child, {migration.version: migration.name for migration in batch})
        except KeyboardInterrupt:
            child.wait()  # it was told, too, and rolls back
            say("stopped")
            raise
        finally:
            if child.stdout:
                child.stdout.close()  # it must not wait for a reader that has gone
            reader.join()  # while there is a pipe to read
    if child.returncode:
        say("failed")
        _drop_invalid_indexes(target.url, batch)
        error = atlas_error(hide_passwords("".join(stderr), {"DATABASE_URL": session}))
        if found := TRANSIENT.search(str(error)):
            code = Exit.BUSY if LOCK_TIMED_OUT.search(str(error)) else Exit.ERROR
            raise TransientError(f"{error}{describe(blockers)}", found[0], code)
        raise MigrateError(f"{error}\n{describe_remaining_state(target)}", error.code)


def _show_progress(child: subprocess.Popen[str], names: dict[str, str]) -> None:
    """Tell which file is applied, as Atlas tells its version."""
    for line in child.stdout or ():
        if found := re.search(r"-- migrating version (\S+)", line):
            say(f"  {names.get(found[1], found[1])}", end=" ")
        elif found := re.search(r"-- ok \((.*)\)", line):
            say(f"ok ({found[1]})")


def _drop_invalid_indexes(url: str, batch: list[Migration]) -> None:
    """Drop the indexes that these files failed to build."""
    with suppress(MigrateError, psycopg.Error):  # the server may be down
        invalid = invalid_indexes(url)
        drop_concurrently(url, [name for name in invalid if created_by(batch, name)])


def describe_remaining_state(target: Target) -> str:
    """What a failure left behind, and how to go on."""
    try:
        status = read_status(target.url)
    except MigrateError as error:
        return f"The state that it left is unknown: {error}"
    command = project.command("apply", env=target.option)
    if status.partially_applied:
        return (
            f"Applied up to {status.version}. {status.pending[0].name} is partially applied, since it"
            f" runs outside a transaction: {status.partially_applied}\nFix the cause, then: {command}"
            " (it resumes at the statement that failed)"
        )
    return (
        f"Applied up to {status.version}; the file that failed was rolled back completely."
        f" Fix the cause, then: {command}"
    )
