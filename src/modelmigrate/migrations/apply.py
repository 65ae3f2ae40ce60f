"""Applying migrations to a database that is in use: checked before, guarded meanwhile, verified after."""

import os
import re
import subprocess
import threading
import time
from contextlib import closing, suppress
from itertools import groupby
from urllib.parse import quote

import psycopg

from modelmigrate import project
from modelmigrate.atlas.binary import atlas_binary
from modelmigrate.atlas.commands import atlas_error, hide_passwords
from modelmigrate.atlas.directory import Migration, read_migrations
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.lock import backoff, migration_lock
from modelmigrate.migrations.preflight import (
    check_indexes,
    check_privileges,
    created_by,
    drop_concurrently,
    invalid_indexes,
)
from modelmigrate.migrations.revisions import MigrationStatus, read_status, require_consistent
from modelmigrate.migrations.verify import verify_schema
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.environments import confirm, find_environment
from modelmigrate.postgres.snapshots import copy_roles
from modelmigrate.project import Settings
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import replay_migrations

ATLAS_APPLICATION = "atlas migrate apply"
# What Atlas says when the same may well work a moment later.
TRANSIENT = re.compile(
    "lock timeout|deadlock detected|terminating connection|connection (?:refused|reset)|bad connection"
    "|database system is|unexpected EOF|broken pipe|server closed|no such file or directory"
    "|acquiring database lock|57P01|55P03|40P01",
    re.IGNORECASE,
)


class TransientError(MigrateError):
    """A failure that another attempt may not meet."""

    def __init__(self, message: str, short: str, code: Exit = Exit.ERROR) -> None:
        super().__init__(message, code)
        self.short = short


def apply_pending(env: str | None = None, *, yes: bool = False) -> str:
    """Apply the pending migrations, then compare the live schema with the replayed one.

    Raises:
        MigrateError: what stands in the way, or a live schema that differs (exit code 2).
    """
    target = find_environment(env)
    limits = project.settings()
    check_privileges(target)
    status = read_status(target.url)
    require_consistent(status)
    if status.pending:
        what = f"apply {len(status.pending)} migration(s), up to {status.pending[-1].name}"
        confirm(target, what, yes=yes)
    check_indexes(target.url, status)
    for attempt in range(1, limits.attempts + 1):
        try:
            with migration_lock(target.url, limits.wait, ours=False):
                pass  # somebody runs Atlas by hand: told apart here, where it can be said who
            with migration_lock(target.url, limits.wait):
                # Another process may have done it meanwhile.
                status = read_status(target.url)
                require_consistent(status)
                apply_files(target.url, status, limits)
            break
        except TransientError as error:
            if attempt == limits.attempts:
                raise MigrateError(
                    f"{error}\n{describe_remaining_state(target.url)}", error.code
                ) from None
            seconds = backoff(attempt)
            print(f"  {error.short}: again in {seconds:.1f} s", flush=True)
            time.sleep(seconds)
    copy_roles(target.url)
    with replay_migrations(read_migrations()) as expected:
        verify_schema(target, read_schema(expected), "The migrations are applied all the same.")
    count = len(status.pending)
    done = f"{count} migration{'s' if count != 1 else ''} applied" if count else "nothing to do"
    version = (status.pending or status.applied)[-1].version
    return f"{done}: {target.name} is at version {version}, and its schema is as the files make it"


def apply_files(url: str, status: MigrationStatus, limits: Settings) -> None:
    """Let Atlas apply what is pending: files in a transaction together, others one by one."""
    for together, group in groupby(status.pending, lambda migration: migration.in_transaction):
        files = list(group)
        for batch in [files] if together else [[file] for file in files]:
            # An index that is built concurrently waits for others, and others never for it.
            timeouts = (limits.lock_timeout, limits.statement_timeout) if together else (0, 0)
            apply_batch(url, batch, session_url(url, *timeouts))


def session_url(url: str, lock_timeout: float, statement_timeout: float) -> str:
    """The URL with settings that hold for the session, whatever a file SETs and RESETs."""
    options = [f"-c lock_timeout={lock_timeout * 1000:.0f}"]
    if statement_timeout:
        options.append(f"-c statement_timeout={statement_timeout * 1000:.0f}")
    with closing(connect(url)) as connection:
        row = connection.execute("SELECT version()").fetchone()
    if row and "linux" in row[0]:  # other systems refuse it
        options.append("-c client_connection_check_interval=2000")
    settings_ = {"options": " ".join(options), "application_name": ATLAS_APPLICATION}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in settings_.items())
    return f"{url}{'&' if '?' in url else '?'}{query}"


def apply_batch(url: str, batch: list[Migration], session: str) -> None:
    """Apply these files.

    Raises:
        PassingError: it may work another time.
        MigrateError: it will not; what was left.
    """
    names = {migration.version: migration.name for migration in batch}
    options = ("--env", "local", "--tx-mode", "file", "--lock-timeout", "10s")
    child = subprocess.Popen(
        [atlas_binary(), "migrate", "apply", str(len(batch)), *options],
        cwd=project.root(),
        env=os.environ | {"ATLAS_NO_UPDATE_NOTIFIER": "1", "DATABASE_URL": session},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    with child:
        said: list[str] = []
        reader = threading.Thread(target=lambda: said.extend(child.stderr or ()))
        reader.start()
        try:
            for line in child.stdout or ():
                if found := re.search(r"-- migrating version (\S+)", line):
                    print(f"  {names.get(found[1], found[1])}", end=" ", flush=True)
                elif found := re.search(r"-- ok \((.*)\)", line):
                    print(f"ok ({found[1]})", flush=True)
        except KeyboardInterrupt:
            child.wait()  # it was told, too, and rolls back
            print("stopped")
            raise
        reader.join()
    if child.returncode:
        print("failed", flush=True)
        error = atlas_error(hide_passwords("".join(said), {"DATABASE_URL": session}))
        with suppress(MigrateError, psycopg.Error):  # the server may be down
            broken = invalid_indexes(url)
            drop_concurrently(url, [name for name in broken if created_by(batch, name)])
        if found := TRANSIENT.search(str(error)):
            timed_out = re.search("lock timeout|database lock|55P03", str(error))
            raise TransientError(str(error), found[0], Exit.BUSY if timed_out else Exit.ERROR)
        raise MigrateError(f"{error}\n{describe_remaining_state(url)}", error.code)


def describe_remaining_state(url: str) -> str:
    """What a failure left behind, and how to go on."""
    try:
        status = read_status(url)
    except MigrateError as error:
        return f"What it left cannot be told: {error}"
    if status.partially_applied:
        return (
            f"Applied up to {status.version}. {status.pending[0].name} runs outside a transaction and"
            f" is half done: {status.partially_applied}\nMend the cause, then: make migrate goes on with the"
            " statement that failed"
        )
    return (
        f"Applied up to {status.version}; the file that failed was rolled back, and nothing of it is"
        " left. Mend the cause, then: make migrate"
    )
