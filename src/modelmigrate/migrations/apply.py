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
from modelmigrate.atlas.binary import binary
from modelmigrate.atlas.commands import failure, without_passwords
from modelmigrate.atlas.directory import Migration, migrations
from modelmigrate.errors import Exit, ToolError
from modelmigrate.migrations import revisions
from modelmigrate.migrations.lock import backoff, locked
from modelmigrate.migrations.preflight import (
    drop_concurrently,
    invalid_indexes,
    made_by,
    require_able,
    require_valid_indexes,
)
from modelmigrate.migrations.revisions import History, require_whole
from modelmigrate.migrations.verify import require_same
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.environments import confirm, find
from modelmigrate.postgres.snapshots import copy_roles
from modelmigrate.project import Settings, settings
from modelmigrate.schema import dump
from modelmigrate.schema.states import replayed

ATLAS_APPLICATION = "atlas migrate apply"
# What Atlas says when the same may well work a moment later.
PASSING = re.compile(
    "lock timeout|deadlock detected|terminating connection|connection (?:refused|reset)|bad connection"
    "|database system is|unexpected EOF|broken pipe|server closed|no such file or directory"
    "|acquiring database lock|57P01|55P03|40P01",
    re.IGNORECASE,
)


class PassingError(ToolError):
    """A failure that another attempt may not meet."""

    def __init__(self, message: str, short: str, code: Exit = Exit.ERROR) -> None:
        super().__init__(message, code)
        self.short = short


def migrate(env: str | None = None, *, yes: bool = False) -> str:
    """Apply the pending migrations, then compare the live schema with the replayed one.

    Raises:
        ToolError: what stands in the way, or a live schema that differs (exit code 2).
    """
    target = find(env)
    limits = settings()
    require_able(target)
    story = revisions.read(target.url)
    require_whole(story)
    if story.pending:
        what = f"apply {len(story.pending)} migration(s), up to {story.pending[-1].name}"
        confirm(target, what, yes=yes)
    require_valid_indexes(target.url, story)
    for attempt in range(1, limits.attempts + 1):
        try:
            with locked(target.url, limits.wait, ours=False):
                pass  # somebody runs Atlas by hand: told apart here, where it can be said who
            with locked(target.url, limits.wait):
                # Another process may have done it meanwhile.
                story = revisions.read(target.url)
                require_whole(story)
                apply_pending(target.url, story, limits)
            break
        except PassingError as error:
            if attempt == limits.attempts:
                raise ToolError(f"{error}\n{left(target.url)}", error.code) from None
            seconds = backoff(attempt)
            print(f"  {error.short}: again in {seconds:.1f} s", flush=True)
            time.sleep(seconds)
    copy_roles(target.url)
    with replayed(migrations()) as expected:
        require_same(target, dump.read(expected), "The migrations are applied all the same.")
    count = len(story.pending)
    done = f"{count} migration{'s' if count != 1 else ''} applied" if count else "nothing to do"
    version = (story.pending or story.applied)[-1].version
    return f"{done}: {target.name} is at version {version}, and its schema is as the files make it"


def apply_pending(url: str, story: History, limits: Settings) -> None:
    """Let Atlas apply what is pending: files in a transaction together, others one by one."""
    for together, group in groupby(story.pending, lambda migration: migration.in_transaction):
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
        ToolError: it will not; what was left.
    """
    names = {migration.version: migration.name for migration in batch}
    options = ("--env", "local", "--tx-mode", "file", "--lock-timeout", "10s")
    child = subprocess.Popen(
        [binary(), "migrate", "apply", str(len(batch)), *options],
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
        error = failure(without_passwords("".join(said), {"DATABASE_URL": session}))
        with suppress(ToolError, psycopg.Error):  # the server may be down
            broken = invalid_indexes(url)
            drop_concurrently(url, [name for name in broken if made_by(batch, name)])
        if found := PASSING.search(str(error)):
            timed_out = re.search("lock timeout|database lock|55P03", str(error))
            raise PassingError(str(error), found[0], Exit.BUSY if timed_out else Exit.ERROR)
        raise ToolError(f"{error}\n{left(url)}", error.code)


def left(url: str) -> str:
    """What a failure left behind, and how to go on."""
    try:
        story = revisions.read(url)
    except ToolError as error:
        return f"What it left cannot be told: {error}"
    if story.partial:
        return (
            f"Applied up to {story.version}. {story.pending[0].name} runs outside a transaction and"
            f" is half done: {story.partial}\nMend the cause, then: make migrate goes on with the"
            " statement that failed"
        )
    return (
        f"Applied up to {story.version}; the file that failed was rolled back, and nothing of it is"
        " left. Mend the cause, then: make migrate"
    )
