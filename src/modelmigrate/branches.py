"""Branches that both add migrations: conflicts are found and resolved before a database meets them.

A branch may only add files, all newer than the newest of the branch that it is merged into: a
database at that version would never apply an older one. What counts is the work tree, so that both
commands also work in the midst of a `git merge` or `git rebase`.
"""

import os
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import errors

from modelmigrate import project
from modelmigrate.atlas.commands import REVISIONS_TABLE
from modelmigrate.atlas.directory import (
    VERSION_FORMAT,
    Migration,
    by_create,
    read_files,
    update_checksums,
    version_of,
)
from modelmigrate.check import check_in_sync, validate_migrations
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.git import git
from modelmigrate.migrations.branch import BranchComparison, compare_branches
from modelmigrate.migrations.round_trip import check_round_trip
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.environments import LOCAL, find_environment
from modelmigrate.sql.names import label_name
from modelmigrate.sql.patterns import CHANGED_TABLE
from modelmigrate.sql.statements import split_statements, strip_comments
from modelmigrate.terminal import indent

DEFAULT_BASE = "origin/main"
URL_SUFFIX = "_DATABASE_URL"
SELECT_APPLIED = f"SELECT concat_ws('_', version, description) || '.sql' FROM {REVISIONS_TABLE}"


def check_branch(base: str = DEFAULT_BASE) -> str:
    """Check that this branch can be merged into `base`: it only adds migrations, newer than all of
    base's, together they are valid and match the models, and their down migrations lead back.

    Raises:
        MigrateError: it modifies a file of base, adds one that is out of order, or `atlas.sum` does
            not match the files (exit code 4); the files do not replay (1), do not match the models
            (2), or a down migration does not lead back (3).
    """
    branch = compare_branches(base or DEFAULT_BASE)
    require_only_additions(branch)
    hint = f"Nothing was changed. Resolve it: {project.command('branch rebase', base=branch.base)}"
    newest = version_of(branch.newest)
    if out_of_order := [name for name in branch.added if version_of(name) <= newest]:
        raise MigrateError(
            f"out of order: not newer than {branch.newest}, which {branch.base} has:\n"
            f"{indent(out_of_order)}\nA database at that version would never apply them. {hint}",
            Exit.HISTORY_MISMATCH,
        )
    checksums = project.migrations_dir() / "atlas.sum"
    if checksums.exists() and "<<<<<<< " in checksums.read_text(encoding="utf-8"):
        reason = "atlas.sum is in conflict, as always when two branches add migrations"
        raise MigrateError(f"{reason}. {hint}", Exit.HISTORY_MISMATCH)
    count = len(branch.added)
    line = f"ok    branch        {count} new file(s), all newer than those of {branch.base}"
    valid, down = validate_migrations(), check_round_trip(branch.added)
    return "\n".join([line, *review_notes(branch), valid, *down, check_in_sync()])


def rebase_branch(base: str = DEFAULT_BASE) -> str:
    """Give this branch's migrations versions after those of `base`, rewrite `atlas.sum`, and verify
    the result.

    Raises:
        MigrateError: a file of base was modified (exit code 4), or a file to be renamed is applied
            to a database (3): nothing is changed then. Or the result is not valid, or does not match
            the models, see `check_branch`: what was renamed stays so.
    """
    branch = compare_branches(base or DEFAULT_BASE)
    require_only_additions(branch)
    renames = new_names(branch)
    report = [f"{old} -> {new}" for old, new in renames.items()] or ["nothing to rename"]
    report += [*require_not_applied(branch, renames), *review_notes(branch)]
    rename_migrations(renames)
    report.append("atlas.sum matches the migration files")
    try:
        report += [validate_migrations(), check_in_sync()]
    except MigrateError as error:
        again = project.command("branch rebase", base=branch.base)
        raise MigrateError(
            f"{error}\nIf both branches make the same change, remove it from this branch's file.\n"
            f"Done, and kept:\n{indent(report)}\nWhen this is fixed, run: {again}",
            error.code,
        ) from None
    report.append("Next: git add --all migrations, and continue as `git status` says")
    return "\n".join(report)


def require_only_additions(branch: BranchComparison) -> None:
    """Raise MigrateError (exit code 4) where a migration of base was modified, and not by base."""
    modified = [
        f"{name}: {'edited' if name in branch.worktree_files else 'deleted or renamed'}"
        for name in sorted(branch.merge_base_files | branch.base_files)
        if branch.worktree_files.get(name)
        not in (branch.merge_base_files.get(name), branch.base_files.get(name))
    ]
    if modified:
        raise MigrateError(
            f"this branch modifies migrations of {branch.base}, which may be applied already:\n"
            f"{indent(modified)}\nNothing was changed. Restore each, and make the change in a new"
            f" migration:\n  git restore --source={branch.base} -- migrations/NAME",
            Exit.HISTORY_MISMATCH,
        )


def review_notes(branch: BranchComparison) -> list[str]:
    """What to review: tables that both branches change, and files of base that are missing here."""
    notes = []
    tables_by_name = {
        name: changed_tables((project.migrations_dir() / name).read_text(encoding="utf-8"))
        for name in branch.added
    }
    added_by_base = sorted(branch.base_files.keys() - branch.merge_base_files.keys())
    for base_name in added_by_base:
        base_tables = changed_tables(git("cat-file", "blob", branch.base_files[base_name]))
        notes += [
            f"note: {name}, and {base_name} of {branch.base}, change {', '.join(sorted(both))}"
            for name, tables in tables_by_name.items()
            if (both := tables & base_tables)
        ]
    if missing := len(added_by_base) - len(branch.worktree_files.keys() & set(added_by_base)):
        notes.append(
            f"note: {branch.base} has {missing} migration(s) that this branch does not have. Merge it"
            " and check again: only then are all of them verified together"
        )
    return notes


def changed_tables(sql: str) -> set[str]:
    """The tables that a migration changes, by its words: enough for a note, not for a decision."""
    return {
        label_name(found["name"]).removeprefix("public.")
        for statement in split_statements(sql)
        for found in CHANGED_TABLE.finditer(strip_comments(statement))
    }


def new_names(branch: BranchComparison) -> dict[str, str]:
    """New names, by the old, for those files of this branch that are out of order."""
    renames, newest = {}, version_of(branch.newest)
    for name in branch.added:
        old = version_of(name)
        new = old if old > newest else next_version(newest)
        if new != old:
            renames[name] = new + name.removeprefix(old)
        newest = new
    return renames


def next_version(last: str) -> str:
    """The present time (UTC), or a second after a version that is later.

    Raises:
        MigrateError: the version is no time.
    """
    now = f"{datetime.now(UTC):{VERSION_FORMAT}}"
    try:
        later = datetime.strptime(last, VERSION_FORMAT).replace(tzinfo=UTC) + timedelta(seconds=1)
    except ValueError:
        raise MigrateError(
            f"{last} is not a version (YYYYMMDDHHMMSS). Nothing was changed. Check the files:"
            f" {project.command('validate')}"
        ) from None
    return max(now, f"{later:{VERSION_FORMAT}}")


def require_not_applied(branch: BranchComparison, renames: dict[str, str]) -> list[str]:
    """Raise MigrateError (exit code 3) where a file to be renamed is applied to a known database;
    return a note for each database that could not be checked."""
    if not renames:
        return []
    variables = [variable for variable, url in sorted(os.environ.items()) if url]
    names = [v.removesuffix(URL_SUFFIX).lower() for v in variables if v.endswith(URL_SUFFIX)]
    applied_on, unreachable = [], []
    for name in (LOCAL, *names):
        try:
            target = find_environment(name)
            applied = sorted(applied_names(target.url).intersection(branch.added))
        except MigrateError as error:
            unreachable.append(f"note: {name} was not checked. {str(error).splitlines()[0]}")
            continue
        if renames.keys() & applied:
            env = None if name == LOCAL else name
            contents = read_files()
            files = [Migration(version_of(each), each, "", contents[each]) for each in applied]
            roll_back = project.command("down", steps=len(by_create(files)), env=env)
            applied_on += [f"{target.title}: {', '.join(applied)}", f"  {roll_back}"]
    if applied_on:
        raise MigrateError(
            "migrations that need a newer version are applied already, and would be applied again:\n"
            f"{indent(applied_on)}\nNothing was changed. Roll them back by the command shown, on the"
            f" branch as it was before the merge of {branch.base} (git merge --abort, or git rebase"
            " --abort). Then start again.",
            Exit.REFUSED,
        )
    return unreachable


def applied_names(url: str) -> set[str]:
    """The files of the migrations that are applied to a database, wholly or partially."""
    with closing(connect(url, default_transaction_read_only="on")) as connection:
        try:
            return {name for (name,) in connection.execute(SELECT_APPLIED.encode())}
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            return set()
        except psycopg.Error as error:
            raise MigrateError(str(error)) from None


def rename_migrations(renames: dict[str, str]) -> None:
    """Rename migrations with their down migrations, and rewrite `atlas.sum`; all or nothing."""
    renamed = []
    try:
        # The newest first: after a crash in between, the files still sort in their order.
        for old, new in reversed(renames.items()):
            for folder in (project.migrations_dir(), project.down_dir()):
                if (folder / old).exists():
                    (folder / old).rename(folder / new)
                    renamed.append((folder / old, folder / new))
        update_checksums()
    except BaseException as error:
        for old_path, new_path in renamed:
            new_path.rename(old_path)
        if isinstance(error, OSError):
            raise MigrateError(f"a file cannot be renamed: {error}\nNothing was changed.") from None
        raise
