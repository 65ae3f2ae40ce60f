"""Applying migrations to a database that is in use: checked before, guarded meanwhile, proven after."""

import os
import random
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import groupby
from typing import Any
from urllib.parse import quote

import psycopg

from tools import atlas as binaries
from tools.errors import Exit, ToolError
from tools.schema import atlas, dump, environment, history, postgres, replay, settings
from tools.schema.environment import Environment
from tools.schema.history import History, Migration
from tools.schema.server import PROJECT
from tools.schema.settings import Settings

# Of all who use these tools; and Atlas's own, the FNV-1 hash of "atlas_migrate_execute".
OUR_LOCK, ATLAS_LOCK = 4_711_820_991_202, 2_686_470_616
ATLAS_APPLICATION = "atlas migrate apply"
PRIVILEGES = """
    SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
           current_setting('server_version_num')::int, current_user, current_database(),
           has_schema_privilege(current_user, 'public', 'CREATE'),
           to_regclass('atlas_schema_revisions.atlas_schema_revisions') IS NOT NULL,
           has_database_privilege(current_database(), 'CREATE')"""
REVISION_RIGHTS = f"""
    SELECT has_schema_privilege('atlas_schema_revisions', 'USAGE')
       AND has_table_privilege('{history.REVISIONS}', 'SELECT')
       AND has_table_privilege('{history.REVISIONS}', 'INSERT')
       AND has_table_privilege('{history.REVISIONS}', 'UPDATE')"""
HOLDER = """
    SELECT format('process %%s of %%s, %%s, from %%s, since %%s', a.pid, a.usename,
                  nullif(a.application_name, ''), coalesce(a.client_addr::text, 'this machine'),
                  to_char(a.backend_start, 'HH24:MI:SS'))
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND (l.classid::bigint << 32) + l.objid::bigint = %s"""
# What Atlas says when the same may well work a moment later.
PASSING = re.compile(
    "lock timeout|deadlock detected|terminating connection|connection (?:refused|reset)|bad connection"
    "|database system is|unexpected EOF|broken pipe|server closed|no such file or directory"
    "|acquiring database lock|57P01|55P03|40P01",
    re.IGNORECASE,
)


def migrate(env: str | None = None, *, yes: bool = False) -> str:
    """Apply the pending migrations, then compare the live schema with the replayed one.

    Raises:
        ToolError: what stands in the way, or a live schema that differs (exit code 2).
    """
    target = environment.find(env)
    limits = settings.load()
    require_able(target)
    story = history.read(target.url)
    history.require_whole(story)
    if story.pending:
        what = f"apply {len(story.pending)} migration(s), up to {story.pending[-1].name}"
        environment.confirm(target, what, yes=yes)
    require_valid_indexes(target.url, story)
    for attempt in range(1, limits.attempts + 1):
        try:
            with locked(target.url, limits.wait, ours=False):
                pass  # somebody runs Atlas by hand: told apart here, where it can be said who
            with locked(target.url, limits.wait):
                # Another process may have done it meanwhile.
                story = history.read(target.url)
                history.require_whole(story)
                apply_pending(target.url, story, limits)
            break
        except PassingError as error:
            if attempt == limits.attempts:
                raise ToolError(f"{error}\n{left(target.url)}", error.code) from None
            seconds = backoff(attempt)
            print(f"  {error.short}: again in {seconds:.1f} s", flush=True)
            time.sleep(seconds)
    postgres.copy_roles(target.url)
    with replay.replayed(history.migrations()) as expected:
        require_same(target, dump.read(expected), "The migrations are applied all the same.")
    count = len(story.pending)
    done = f"{count} migration{'s' if count != 1 else ''} applied" if count else "nothing to do"
    version = (story.pending or story.applied)[-1].version
    return f"{done}: {target.name} is at version {version}, and its schema is as the files make it"


class PassingError(ToolError):
    """A failure that another attempt may not meet."""

    def __init__(self, message: str, short: str, code: Exit = Exit.ERROR) -> None:
        super().__init__(message, code)
        self.short = short


def dry_run(env: str | None = None) -> str:
    """What `migrate` would run; on read-only sessions, so that nothing can be made."""
    target = environment.find(env)
    story = history.read(target.url)
    history.require_whole(story)
    if not story.pending:
        return f"nothing is pending: {target.name} is at version {story.version}"
    how = {True: "in a transaction", False: "statement by statement, outside a transaction"}
    files = [f"-- {each.name}, {how[each.in_transaction]}\n{each.sql}" for each in story.pending]
    count = f"{len(files)} file(s) would be applied to {target.title}. Nothing was changed."
    return "\n".join([*files, f"-- {count}"])


def status(env: str | None = None) -> str:
    """Where a database stands.

    Raises:
        ToolError: its history is broken (exit code 4).
    """
    target = environment.find(env)
    story = history.read(target.url)
    report = f"{target.title}\n{history.report(story)}"
    if story.broken:
        print(report)
        history.require_whole(story)
    return report


# --- before ---


def require_able(target: Environment) -> None:
    """Raise ToolError where this server or this role cannot be migrated with."""
    with closing(postgres.connect(target.url)) as connection:
        [row] = connection.execute(PRIVILEGES).fetchall()
        standby, read_only, number, role, database, creates, recorded, may_record = row
        if recorded and not standby:
            may_record = bool((connection.execute(REVISION_RIGHTS.encode()).fetchone() or [0])[0])
    problems = {
        "it is a standby, which takes no changes: name its primary": standby,
        "it is read-only (default_transaction_read_only)": read_only and not standby,
        f"it is PostgreSQL {number // 10000}: 14 or newer is needed": number < 140000,
        f'the role lacks a right: GRANT CREATE ON SCHEMA public TO "{role}"': not creates,
        f'the role cannot keep the record: GRANT CREATE ON DATABASE "{database}" TO "{role}"': (
            not may_record and not recorded
        ),
        "the role may not write the record: GRANT USAGE ON SCHEMA atlas_schema_revisions TO"
        f' "{role}"; GRANT SELECT, INSERT, UPDATE, DELETE ON {history.REVISIONS} TO "{role}"': (
            not may_record and recorded
        ),
    }
    found = [problem for problem, there in problems.items() if there]
    if standby:
        found = found[:1]
    if found:
        lines = "\n".join(f"  {problem}" for problem in found)
        raise ToolError(f"{target.title} cannot be migrated:\n{lines}\nNothing was touched.")


def invalid_indexes(url: str) -> list[str]:
    with closing(postgres.connect(url)) as connection:
        return [name for (name,) in connection.execute(dump.INVALID)]


def require_valid_indexes(url: str, story: History) -> None:
    """Drop what a failed attempt of ours left; raise ToolError (exit code 3) for anything else."""
    broken = invalid_indexes(url)
    ours = [name for name in broken if made_by(story.pending[:1], name)]
    drop_concurrently(url, ours)
    if foreign := [name for name in broken if name not in ours]:
        cures = "\n".join(f"  DROP INDEX CONCURRENTLY {name};" for name in foreign)
        raise ToolError(
            "there are INVALID indexes, left by CREATE INDEX CONCURRENTLY when it failed. Nothing"
            f" was applied. Drop them, or rebuild them by REINDEX INDEX CONCURRENTLY:\n{cures}",
            Exit.REFUSED,
        )


def made_by(migrations: list[Migration], index: str) -> bool:
    bare = index.rpartition(".")[2].strip('"')
    return any(
        re.search(rf'INDEX CONCURRENTLY (IF NOT EXISTS )?"?{re.escape(bare)}"?\s', each.sql)
        for each in migrations
        if not each.in_transaction
    )


def drop_concurrently(url: str, indexes: list[str]) -> None:
    if indexes:
        with closing(postgres.connect(url)) as connection:
            for name in indexes:
                connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}".encode())
                print(f"  dropped {name}, which a failed attempt left INVALID", flush=True)


@contextmanager
def locked(url: str, seconds: float, *, ours: bool = True) -> Iterator[psycopg.Connection[Any]]:
    """Hold the lock that one migration at a time may have; yields the session that has it.

    It is asked for again and again, since a session that waits in the server would keep CREATE
    INDEX CONCURRENTLY waiting.

    Raises:
        ToolError: it was not to be had in time (exit code 5); who holds it.
    """
    key = OUR_LOCK if ours else ATLAS_LOCK
    deadline = time.monotonic() + seconds
    with closing(postgres.connect(url)) as connection:
        while True:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
            if row and row[0]:
                break
            if time.monotonic() > deadline:
                raise ToolError(busy(connection, key), Exit.BUSY)
            time.sleep(0.05 + random.random() * 0.1)  # noqa: S311 no secret
        yield connection


def busy(connection: psycopg.Connection[Any], key: int) -> str:
    holder = connection.execute(HOLDER, [key]).fetchone()
    return (
        f"another migration is running: {holder[0] if holder else 'it has just ended'}.\n"
        "Nothing was changed. Try again when it ends. If its client is dead, an administrator can"
        " end it: SELECT pg_terminate_backend(process)"
    )


def backoff(attempt: int) -> float:
    """Seconds until the next attempt: more each time, and never in step with others."""
    return min(2.0 ** (attempt - 1), 30.0) * random.uniform(0.5, 1)  # noqa: S311 no secret


# --- meanwhile ---


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
    with closing(postgres.connect(url)) as connection:
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
        [binaries.binary(), "migrate", "apply", str(len(batch)), *options],
        cwd=PROJECT,
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
        error = atlas.failure(atlas.without_passwords("".join(said), {"DATABASE_URL": session}))
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
        story = history.read(url)
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


# --- after ---


def require_same(target: Environment, expected: dump.Schema, state: str) -> None:
    """Raise ToolError (exit code 2) where the live schema is not the expected one."""
    ignored = settings.load().ignore
    differences = dump.without(dump.compare(expected, dump.read(target.url)), ignored)
    if differences:
        listing = "\n".join(f"  {each.how:<8}{each.label}" for each in differences)
        named = "" if target.name == environment.LOCAL else f" env={target.name}"
        raise ToolError(
            f"the schema of {target.name} is not what its migrations make:\n{listing}\n{state}"
            f" See it, and mend it: make schema-drift{named}",
            Exit.DRIFT,
        )
