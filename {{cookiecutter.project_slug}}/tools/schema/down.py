"""The way back: a file beside each migration, proven when it is made and again before it runs."""

import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from psycopg import errors

from tools.errors import Exit, ToolError
from tools.schema import (
    apply,
    atlas,
    catalog,
    dump,
    environment,
    history,
    plan,
    postgres,
    progress,
    replay,
    settings,
    sql,
)
from tools.schema.history import Migration

FOLDER = atlas.MIGRATIONS / "down"
IRREVERSIBLE = "-- irreversible: "
ROWS_GO = re.compile(r"\A(TRUNCATE|DELETE|UPDATE)\b", re.IGNORECASE)


def text(before: str, after: str) -> str:
    """The file that leads from the scratch database `after`, made from a clone of `before`, to the
    schema of that one; or that says why there is no way."""
    goal = dump.read(before)
    try:
        with postgres.scratch_database(after) as work:
            statements = plan.plan(work, before, goal, renames=True)
        script = plan.proven(statements, [after], goal)
    except plan.NoPlanError as error:
        lines = [f"--   {line}" for line in str(error).splitlines()]
        return "\n".join([f"{IRREVERSIBLE}no statements were found that lead back", *lines, ""])
    return f"-- generated, and proven to lead back to the very schema before\n\n{script}"


def write_missing() -> list[str]:
    """Write the down file of each migration that has none; their names."""
    migrations = history.migrations()
    written = []
    for number, migration in enumerate(migrations):
        file = FOLDER / migration.name
        if not file.exists():
            progress.at(f"finding the way back of {migration.name}")
            FOLDER.mkdir(exist_ok=True)
            file.write_text(made(migrations[: number + 1]), encoding="utf-8", newline="\n")
            written.append(migration.name)
    return written


def made(migrations: list[Migration]) -> str:
    """The down file of the last of these migrations."""
    with one_after_another(migrations, 1) as (before, after):
        return text(before, after)


@contextmanager
def one_after_another(migrations: list[Migration], count: int) -> Iterator[tuple[str, str]]:
    """Scratch databases without and with the last migrations, the second made from the first."""
    with (
        replay.replayed(migrations[:-count]) as before,
        postgres.scratch_database(before) as after,
    ):
        atlas.apply(after, count)
        yield before, after


def downgrade(
    env: str | None = None,
    n: str | None = None,
    to: str | None = None,
    allow_loss: str | None = None,
    *,
    dry: bool = False,
    yes: bool = False,
) -> str:
    """Take back the last migration, the last `n`, or all after version `to`.

    Raises:
        ToolError: there is no honest way back, rows would be lost that nobody gave up by
            `allow_loss`, or the database is not what its history says. Nothing is changed then.
    """
    target = environment.find(env)
    story = history.read(target.url)
    history.require_whole(story)
    going = chosen(story, n, to)
    if not going:
        return f"{target.name} is at version {story.version}: nothing to take back"
    script = "\n".join(read(migration) for migration in reversed(going))
    postgres.copy_roles(target.url)
    progress.at("proving the way back")
    with one_after_another(story.applied, len(going)) as (before, after):
        expected = dump.read(before)
        if reason := plan.prove(after, script, expected):
            raise refusal(going, f"the down files do not lead back:\n{reason}")
        lost = lost_rows(after, script)
        apply.require_same(target, dump.read(after), "Nothing was changed.")
    print(f"Taking back, newest first: {', '.join(m.name for m in reversed(going))}")
    print(f"\n{script}\n", flush=True)
    in_the_way = count_losses(target.url, lost, script, allow_loss)
    if dry:
        return "dry run: nothing was changed"
    require_given_up(in_the_way)
    environment.confirm(target, f"take back {len(going)} migration(s)", yes=yes)
    run(target.url, script, going)
    apply.require_same(target, expected, "The migrations are taken back all the same.")
    remaining = story.applied[: -len(going)]
    return f"{target.name} is at version {remaining[-1].version if remaining else 'none'}"


def chosen(story: history.History, n: str | None, to: str | None) -> list[Migration]:
    """The migrations to take back, oldest first."""
    if story.partial:
        raise ToolError(
            f"{story.pending[0].name} is half done: {story.partial}\nNothing was changed. Finish it"
            " first: mend what failed, then make migrate"
        )
    versions = [migration.version for migration in story.applied]
    if to is not None:
        if to not in versions:
            raise ToolError(
                f"to={to} is no applied version. Nothing was changed. Applied: {', '.join(versions)}"
            )
        return story.applied[versions.index(to) + 1 :]
    count = n or "1"
    if not count.isdecimal() or not 1 <= int(count) <= max(len(versions), 1):
        raise ToolError(
            f"n={count} must be a number from 1 to {len(versions)}, the number of applied"
            " migrations. Nothing was changed."
        )
    return story.applied[-int(count) :]


def read(migration: Migration) -> str:
    """What the down file says; where there is none, what it would say.

    Raises:
        ToolError: the migration is irreversible (exit code 3).
    """
    file = FOLDER / migration.name
    if file.exists():
        content = file.read_text(encoding="utf-8").strip()
    else:
        all_files = history.migrations()
        content = made(all_files[: all_files.index(migration) + 1]).strip()
    if content.startswith(IRREVERSIBLE):
        raise refusal([migration], content)
    return content


def refusal(going: list[Migration], reason: str) -> ToolError:
    """No honest way back, with the way forward (exit code 3)."""
    names = ", ".join(migration.name for migration in going)
    return ToolError(
        f"{names}: {reason}\nNothing was changed. Go forward instead: change the models back, then"
        ' make migrate-create m="undo ..." and make migrate. Or write'
        f" {' '.join(f'migrations/down/{migration.name}' for migration in going)} by hand: it is"
        " proven before it runs.",
        Exit.REFUSED,
    )


# --- rows ---


def lost_rows(state: str, script: str) -> list[catalog.Loss]:
    """What a script takes away from the database that was cloned into the scratch database."""
    with postgres.scratch_database(state) as work:
        with closing(postgres.connect(work, check_function_bodies="off")) as connection:
            connection.execute(script.encode())
        return catalog.losses(state, work)


def count_losses(
    url: str, lost: list[catalog.Loss], script: str, allowed: str | None
) -> dict[str, str]:
    """Tell how many rows of the database at `url` a script would empty, retype or drop; those that
    `allowed`, names with commas between, does not give up."""
    given_up = set((allowed or "").replace(" ", "").split(","))
    counted = {}
    with closing(postgres.connect(url, default_transaction_read_only="on")) as connection:
        for loss in lost:
            counted[loss.label] = rows_lost(connection, loss)
            print(f"rows that lose {loss.label}: {counted[loss.label]}", flush=True)
    for statement in map(sql.code, sql.split(script)):
        if ROWS_GO.match(statement):
            counted["rows"] = sql.in_short(statement)
    return {
        label: count for label, count in counted.items() if count != "0" and label not in given_up
    }


def require_given_up(counted: dict[str, str]) -> None:
    """Raise ToolError (exit code 3) for what rows would lose against somebody's will."""
    if counted:
        listing = "\n".join(f"  {label}: {count}" for label, count in counted.items())
        raise ToolError(
            f"rows would lose values:\n{listing}\nNothing was changed. Save them first, or give"
            f" them up: allow-loss={','.join(counted)}",
            Exit.REFUSED,
        )


def rows_lost(connection: psycopg.Connection[Any], loss: catalog.Loss) -> str:
    """How many rows lose something, in words if the server cannot count them."""
    try:
        row = connection.execute(loss.query.encode()).fetchone()
    except errors.DataError as error:
        return f"some do not fit into {loss.new_type} ({str(error).splitlines()[0]})"
    except psycopg.Error:
        row = connection.execute(loss._replace(new_type="").query.encode()).fetchone()
        return f"{row[0]} may not fit into {loss.new_type}" if row and row[0] else "0"
    return str(row[0]) if row else "0"


def run(url: str, script: str, going: list[Migration]) -> None:
    """Run the script and forget the migrations, in one transaction.

    Raises:
        ToolError: it could not be done; the transaction left nothing behind.
    """
    limits = settings.load()
    versions = [migration.version for migration in going]
    for attempt in range(1, limits.attempts + 1):
        try:
            with (
                apply.locked(url, limits.wait, ours=False),
                apply.locked(url, limits.wait) as connection,
                connection.transaction(),
            ):
                timeouts = {"lock_timeout": limits.lock_timeout, "statement_timeout": 0}
                for name, seconds in (*timeouts.items(), ("check_function_bodies", "off")):
                    value = f"{seconds * 1000:.0f}" if isinstance(seconds, int | float) else seconds
                    connection.execute(f"SET LOCAL {name} = {value}".encode())
                connection.execute(script.encode())
                if not versions:  # what was changed by hand is in no record
                    return
                forget = f"DELETE FROM {history.REVISIONS} WHERE version = ANY(%s)"
                gone = connection.execute(forget.encode(), [versions]).rowcount
                if gone != len(versions):
                    raise ToolError("somebody else took a migration back. Nothing was changed.")
        except (errors.LockNotAvailable, errors.DeadlockDetected, errors.QueryCanceled) as error:
            if attempt == limits.attempts:
                raise ToolError(
                    f"{error}\nNothing was changed. Others use these tables: try again later",
                    Exit.BUSY,
                ) from None
            time.sleep(apply.backoff(attempt))
            continue
        except psycopg.OperationalError as error:
            raise ToolError(
                f"the connection was lost: {error}\nThe transaction was rolled back, unless its"
                " COMMIT was on the way: see make migrate-status"
            ) from None
        except psycopg.Error as error:
            raise ToolError(
                f"the rows do not allow it: {error}\nNothing was changed: the transaction was"
                " rolled back. Mend the rows first, or go forward with a new migration.",
                Exit.REFUSED,
            ) from None
        return
