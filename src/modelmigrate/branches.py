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
from modelmigrate.atlas.directory import VERSION_FORMAT, update_checksums, version_of
from modelmigrate.check import check_in_sync, validate_migrations
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.git import git
from modelmigrate.migrations.branch import BranchComparison, compare_branches
from modelmigrate.migrations.revisions import REVISIONS_TABLE
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.environments import LOCAL, find_environment
from modelmigrate.sql.patterns import CHANGED_TABLE
from modelmigrate.sql.statements import split_statements, strip_comments
from modelmigrate.terminal import indent

DEFAULT_BASE = "origin/main"
URL_SUFFIX = "_DATABASE_URL"
SELECT_APPLIED = f"SELECT concat_ws('_', version, description) || '.sql' FROM {REVISIONS_TABLE}"


def check_branch(base: str = DEFAULT_BASE) -> str:
    """Whether this branch can go into `base`: it only adds migrations, newer than all of base's,
    and they are in order.

    Raises:
        MigrateError: it changes a file of base, adds an older one, or `atlas.sum` is not that of the
            files (exit code 4); they do not replay (1), or the models say something else (2).
    """
    branch = compare_branches(base or DEFAULT_BASE)
    require_only_additions(branch)
    cure = f"Nothing was changed. Settle it: make migrate-rebase base={branch.base}"
    if late := [name for name in branch.added if version_of(name) <= version_of(branch.newest)]:
        raise MigrateError(
            f"not newer than {branch.newest}, which {branch.base} has:\n{indent(late)}\nA database"
            f" with that one would never get them. {cure}",
            Exit.HISTORY_BROKEN,
        )
    sums = project.migrations_dir() / "atlas.sum"
    if sums.exists() and "<<<<<<< " in sums.read_text(encoding="utf-8"):
        reason = "atlas.sum is in conflict, as always when two branches add migrations"
        raise MigrateError(f"{reason}. {cure}", Exit.HISTORY_BROKEN)
    count = (
        f"ok    branch        {len(branch.added)} new file(s), none before those of {branch.base}"
    )
    return "\n".join([count, *review_notes(branch), validate_migrations(), check_in_sync()])


def rebase_branch(base: str = DEFAULT_BASE) -> str:
    """Give this branch's migrations versions after those of `base`, make `atlas.sum` anew, and
    prove the result.

    Raises:
        MigrateError: a file of base was changed (exit code 4), or a database has one that is to be
            renamed (3): nothing is changed then. Or the result is not in order, see `check`.
    """
    branch = compare_branches(base or DEFAULT_BASE)
    require_only_additions(branch)
    renames = new_names(branch)
    done = [f"{old} -> {new}" for old, new in renames.items()] or ["nothing to rename"]
    done += [*require_not_applied(branch, renames), *review_notes(branch)]
    rename_migrations(renames)
    done.append("atlas.sum is that of the files")
    try:
        done += [validate_migrations(), check_in_sync()]
    except MigrateError as error:
        raise MigrateError(
            f"{error}\nIf both branches make one change, take it out of this branch's file.\nDone, and"
            f" kept:\n{indent(done)}\nWhen this is settled: make migrate-rebase base={branch.base}",
            error.code,
        ) from None
    done.append("Next: git add --all migrations, and go on as `git status` says")
    return "\n".join(done)


def require_only_additions(branch: BranchComparison) -> None:
    """Raise MigrateError (exit code 4) where a migration of base was changed, and not by base."""
    changed = [
        f"{name}: {'edited' if name in branch.worktree_files else 'deleted or renamed'}"
        for name in sorted(branch.merge_base_files | branch.base_files)
        if branch.worktree_files.get(name)
        not in (branch.merge_base_files.get(name), branch.base_files.get(name))
    ]
    if changed:
        raise MigrateError(
            f"this branch changes migrations of {branch.base}, which databases may have already:\n"
            f"{indent(changed)}\nNothing was changed now. Bring each back, and make the change in"
            f" a new migration:\n  git restore --source={branch.base} -- migrations/NAME",
            Exit.HISTORY_BROKEN,
        )


def review_notes(branch: BranchComparison) -> list[str]:
    """What a person should look at: tables that both change, and files that are not here yet."""
    found = []
    own = {
        name: changed_tables((project.migrations_dir() / name).read_text(encoding="utf-8"))
        for name in branch.added
    }
    news = sorted(branch.base_files.keys() - branch.merge_base_files.keys())
    for theirs in news:
        touched = changed_tables(git("cat-file", "blob", branch.base_files[theirs]))
        found += [
            f"note: {name}, and {theirs} of {branch.base}, change {', '.join(sorted(both))}"
            for name in own
            if (both := own[name] & touched)
        ]
    if absent := len(news) - len(branch.worktree_files.keys() & set(news)):
        found.append(
            f"note: {branch.base} has {absent} migration(s) that are not here. Merge it, and check"
            " again: only then are all of them proven together"
        )
    return found


def changed_tables(text: str) -> set[str]:
    return {
        found["name"]
        for each in split_statements(text)
        for found in CHANGED_TABLE.finditer(strip_comments(each))
    }


def new_names(branch: BranchComparison) -> dict[str, str]:
    """New names for what this branch adds, where it needs them to come after base, in order."""
    renames, last = {}, version_of(branch.newest)
    for name in branch.added:
        old = version_of(name)
        new = old if old > last else next_version(last)
        if new != old:
            renames[name] = new + name.removeprefix(old)
        last = new
    return renames


def next_version(last: str) -> str:
    """The present time, or a second after a version that is later."""
    now = f"{datetime.now(UTC):{VERSION_FORMAT}}"
    try:
        later = datetime.strptime(last, VERSION_FORMAT).replace(tzinfo=UTC) + timedelta(seconds=1)
    except ValueError:
        raise MigrateError(
            f"{last} is no version. Nothing was changed. See: make migrate-validate"
        ) from None
    return max(now, f"{later:{VERSION_FORMAT}}")


def require_not_applied(branch: BranchComparison, renames: dict[str, str]) -> list[str]:
    """Raise MigrateError (exit code 3) where a database has a file that is to be renamed; a line for
    each database that cannot be asked."""
    if not renames:
        return []
    given = [variable for variable, url in sorted(os.environ.items()) if url]
    names = [v.removesuffix(URL_SUFFIX).lower() for v in given if v.endswith(URL_SUFFIX)]
    holders, unseen = [], []
    for name in (LOCAL, *names):
        try:
            target = find_environment(name)
            applied = sorted(applied_names(target.url).intersection(branch.added))
        except MigrateError as error:
            unseen.append(f"note: {name} cannot be asked. {str(error).splitlines()[0]}")
            continue
        if renames.keys() & applied:
            where = "" if name == LOCAL else f" env={name}"
            holders += [f"{target.title}: {', '.join(applied)}"]
            holders += [f"  make migrate-downgrade n={len(applied)}{where}"]
    if holders:
        raise MigrateError(
            "what needs a newer version was applied already, and would be applied once more:\n"
            f"{indent(holders)}\nNothing was changed. Take it back by the command shown, on the"
            f" branch as it was without {branch.base} (git merge --abort, or git rebase --abort)."
            " Then start again.",
            Exit.REFUSED,
        )
    return unseen


def applied_names(url: str) -> set[str]:
    """The migrations that a database has, wholly or in part."""
    with closing(connect(url, default_transaction_read_only="on")) as connection:
        try:
            return {name for (name,) in connection.execute(SELECT_APPLIED.encode())}
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            return set()
        except psycopg.Error as error:
            raise MigrateError(str(error)) from None


def rename_migrations(renames: dict[str, str]) -> None:
    """Rename migrations with their down files, and make `atlas.sum` anew; all or nothing."""
    done = []
    try:
        # The last first: where the machine stops in between, their order can still be told.
        for old, new in reversed(renames.items()):
            for folder in (project.migrations_dir(), project.down_dir()):
                if (folder / old).exists():
                    (folder / old).rename(folder / new)
                    done.append((folder / old, folder / new))
        update_checksums()
    except BaseException as error:
        for old_path, new_path in done:
            new_path.rename(old_path)
        if isinstance(error, OSError):
            raise MigrateError(f"a file cannot be renamed: {error}\nNothing was changed.") from None
        raise
