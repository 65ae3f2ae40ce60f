"""Branches that both add migrations: what they do to each other is found, and settled, before the
merge of both meets a database.

A branch may only add files, all newer than the newest of the branch that it goes into: a database
that has that one would never get an older one. What counts is the work tree, so that all of this
also holds in the midst of a `git merge` or `git rebase`.
"""

import os
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import errors

from modelmigrate import project
from modelmigrate.atlas.directory import STAMP, rehash, version
from modelmigrate.check import agree, validate
from modelmigrate.errors import Exit, ToolError
from modelmigrate.git import git
from modelmigrate.migrations.branch import Fork, compare
from modelmigrate.migrations.revisions import REVISIONS
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.environments import LOCAL, find
from modelmigrate.sql.patterns import TABLE
from modelmigrate.sql.statements import code, split
from modelmigrate.terminal import indented

BASE = "origin/main"
SUFFIX = "_DATABASE_URL"
RECORDED = f"SELECT concat_ws('_', version, description) || '.sql' FROM {REVISIONS}"


def check(base: str = BASE) -> str:
    """Whether this branch can go into `base`: it only adds migrations, newer than all of base's,
    and they are in order.

    Raises:
        ToolError: it changes a file of base, adds an older one, or `atlas.sum` is not that of the
            files (exit code 4); they do not replay (1), or the models say something else (2).
    """
    fork = compare(base or BASE)
    require_additions(fork)
    cure = f"Nothing was changed. Settle it: make migrate-rebase base={fork.base}"
    if late := [name for name in fork.own if version(name) <= version(fork.newest)]:
        raise ToolError(
            f"not newer than {fork.newest}, which {fork.base} has:\n{indented(late)}\nA database"
            f" with that one would never get them. {cure}",
            Exit.HISTORY_BROKEN,
        )
    sums = project.migrations_dir() / "atlas.sum"
    if sums.exists() and "<<<<<<< " in sums.read_text(encoding="utf-8"):
        reason = "atlas.sum is in conflict, as always when two branches add migrations"
        raise ToolError(f"{reason}. {cure}", Exit.HISTORY_BROKEN)
    count = f"ok    branch        {len(fork.own)} new file(s), none before those of {fork.base}"
    return "\n".join([count, *notes(fork), validate(), agree()])


def rebase(base: str = BASE) -> str:
    """Give this branch's migrations versions after those of `base`, make `atlas.sum` anew, and
    prove the result.

    Raises:
        ToolError: a file of base was changed (exit code 4), or a database has one that is to be
            renamed (3): nothing is changed then. Or the result is not in order, see `check`.
    """
    fork = compare(base or BASE)
    require_additions(fork)
    renames = newer_names(fork)
    done = [f"{old} -> {new}" for old, new in renames.items()] or ["nothing to rename"]
    done += [*require_unapplied(fork, renames), *notes(fork)]
    rename(renames)
    done.append("atlas.sum is that of the files")
    try:
        done += [validate(), agree()]
    except ToolError as error:
        raise ToolError(
            f"{error}\nIf both branches make one change, take it out of this branch's file.\nDone, and"
            f" kept:\n{indented(done)}\nWhen this is settled: make migrate-rebase base={fork.base}",
            error.code,
        ) from None
    done.append("Next: git add --all migrations, and go on as `git status` says")
    return "\n".join(done)


def require_additions(fork: Fork) -> None:
    """Raise ToolError (exit code 4) where a migration of base was changed, and not by base."""
    changed = [
        f"{name}: {'edited' if name in fork.here else 'deleted or renamed'}"
        for name in sorted(fork.parted | fork.theirs)
        if fork.here.get(name) not in (fork.parted.get(name), fork.theirs.get(name))
    ]
    if changed:
        raise ToolError(
            f"this branch changes migrations of {fork.base}, which databases may have already:\n"
            f"{indented(changed)}\nNothing was changed now. Bring each back, and make the change in"
            f" a new migration:\n  git restore --source={fork.base} -- migrations/NAME",
            Exit.HISTORY_BROKEN,
        )


def notes(fork: Fork) -> list[str]:
    """What a person should look at: tables that both change, and files that are not here yet."""
    found = []
    own = {
        name: tables((project.migrations_dir() / name).read_text(encoding="utf-8"))
        for name in fork.own
    }
    news = sorted(fork.theirs.keys() - fork.parted.keys())
    for theirs in news:
        touched = tables(git("cat-file", "blob", fork.theirs[theirs]))
        found += [
            f"note: {name}, and {theirs} of {fork.base}, change {', '.join(sorted(both))}"
            for name in own
            if (both := own[name] & touched)
        ]
    if absent := len(news) - len(fork.here.keys() & set(news)):
        found.append(
            f"note: {fork.base} has {absent} migration(s) that are not here. Merge it, and check"
            " again: only then are all of them proven together"
        )
    return found


def tables(text: str) -> set[str]:
    return {found["name"] for each in split(text) for found in TABLE.finditer(code(each))}


def newer_names(fork: Fork) -> dict[str, str]:
    """New names for what this branch adds, where it needs them to come after base, in order."""
    renames, last = {}, version(fork.newest)
    for name in fork.own:
        old = version(name)
        new = old if old > last else version_after(last)
        if new != old:
            renames[name] = new + name.removeprefix(old)
        last = new
    return renames


def version_after(last: str) -> str:
    """The present time, or a second after a version that is later."""
    now = f"{datetime.now(UTC):{STAMP}}"
    try:
        later = datetime.strptime(last, STAMP).replace(tzinfo=UTC) + timedelta(seconds=1)
    except ValueError:
        raise ToolError(
            f"{last} is no version. Nothing was changed. See: make migrate-validate"
        ) from None
    return max(now, f"{later:{STAMP}}")


def require_unapplied(fork: Fork, renames: dict[str, str]) -> list[str]:
    """Raise ToolError (exit code 3) where a database has a file that is to be renamed; a line for
    each database that cannot be asked."""
    if not renames:
        return []
    given = [variable for variable, url in sorted(os.environ.items()) if url]
    names = [v.removesuffix(SUFFIX).lower() for v in given if v.endswith(SUFFIX)]
    holders, unseen = [], []
    for name in (LOCAL, *names):
        try:
            target = find(name)
            applied = sorted(recorded(target.url).intersection(fork.own))
        except ToolError as error:
            unseen.append(f"note: {name} cannot be asked. {str(error).splitlines()[0]}")
            continue
        if renames.keys() & applied:
            where = "" if name == LOCAL else f" env={name}"
            holders += [f"{target.title}: {', '.join(applied)}"]
            holders += [f"  make migrate-downgrade n={len(applied)}{where}"]
    if holders:
        raise ToolError(
            "what needs a newer version was applied already, and would be applied once more:\n"
            f"{indented(holders)}\nNothing was changed. Take it back by the command shown, on the"
            f" branch as it was without {fork.base} (git merge --abort, or git rebase --abort)."
            " Then start again.",
            Exit.REFUSED,
        )
    return unseen


def recorded(url: str) -> set[str]:
    """The migrations that a database has, wholly or in part."""
    with closing(connect(url, default_transaction_read_only="on")) as connection:
        try:
            return {name for (name,) in connection.execute(RECORDED.encode())}
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            return set()
        except psycopg.Error as error:
            raise ToolError(str(error)) from None


def rename(renames: dict[str, str]) -> None:
    """Rename migrations with their down files, and make `atlas.sum` anew; all or nothing."""
    done = []
    try:
        # The last first: where the machine stops in between, their order can still be told.
        for old, new in reversed(renames.items()):
            for folder in (project.migrations_dir(), project.down_dir()):
                if (folder / old).exists():
                    (folder / old).rename(folder / new)
                    done.append((folder / old, folder / new))
        rehash()
    except BaseException as error:
        for old_path, new_path in done:
            new_path.rename(old_path)
        if isinstance(error, OSError):
            raise ToolError(f"a file cannot be renamed: {error}\nNothing was changed.") from None
        raise
