"""An exercise begun, or begun again: the work so far is kept, files and database are those of the start."""

import io
import os
import time
from contextlib import closing, redirect_stdout, suppress

from modelmigrate.errors import MigrateError
from modelmigrate.git import git
from modelmigrate.migrations.apply import apply_pending
from modelmigrate.migrations.rollback import roll_back
from modelmigrate.migrations.target import find_target
from modelmigrate.postgres.connection import connect, url_of_database
from modelmigrate.postgres.environments import development_url
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from workshop.participant.exercise import Exercise

# What git may be in the midst of, and how it is told to forget that.
UNFINISHED = ("merge", "rebase", "cherry-pick", "revert")


def begin(exercise: Exercise) -> list[str]:
    """Lead files and database to the start of an exercise; the branches that keep the work so far.

    Raises:
        MigrateError: git or the database refuses.
    """
    kept = keep_work(exercise)
    check_out(exercise, exercise.start)
    rebuild_database(exercise)
    return kept


def solve(exercise: Exercise, solution: str) -> list[str]:
    """As `begin`, and then the solution, which is a commit; the branches that keep the work so far.

    Raises:
        MigrateError: git or the database refuses.
    """
    kept = begin(exercise)
    with redirect_stdout(io.StringIO()):
        if exercise.solution_rolls_back:
            roll_back(find_target(None), None, None, None)
        check_out(exercise, solution)
        apply_pending(find_target(None))
    return kept


def keep_work(exercise: Exercise) -> list[str]:
    """Put what would be lost on branches `mine/...`: all files that git does not ignore, and the commits
    of the exercise's branch; nothing where they are those of a start. The branches."""
    starts = set(git("for-each-ref", "--format=%(objectname)", "refs/tags/start").split())
    git("add", "--all")
    tree, head = git("write-tree").strip(), git("rev-parse", "HEAD").strip()
    work = head
    if tree != git("rev-parse", "HEAD^{tree}").strip():
        message = f"As it was before {exercise.branch} was begun"
        work = git("commit-tree", tree, "-p", "HEAD", "-m", message).strip()
    tips = {git("rev-parse", "--abbrev-ref", "HEAD").strip(): work}
    if (tip := _tip(exercise.branch)) not in ("", head):
        tips[exercise.branch] = tip
    kept = []
    for where, commit in tips.items():
        if commit not in starts:
            name = f"mine/{where.removeprefix('exercise/')}-{time.strftime('%Y%m%d-%H%M%S')}"
            while _tip(name):
                name += "-again"
            git("branch", name, commit)
            kept.append(name)
    return kept


def check_out(exercise: Exercise, commit: str) -> None:
    """Make the files those of a commit, on the exercise's branch; what git ignores stays."""
    for what in UNFINISHED:
        with suppress(MigrateError):  # it is in the midst of no such thing
            git(what, "--quit")
    git("checkout", "--quiet", "--force", "-B", exercise.branch, commit)
    git("clean", "--quiet", "--force", "-d")


def rebuild_database(exercise: Exercise) -> None:
    """Recreate the database: the migrations at hand applied, then the rows of the exercise."""
    url = os.environ.get("DATABASE_URL") or development_url()
    name = str(conninfo_to_dict(url)["dbname"])
    with closing(connect(url_of_database(url, "postgres"), "DATABASE_URL")) as server:
        server.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
        server.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    with redirect_stdout(io.StringIO()):
        apply_pending(find_target(None))
    if rows := exercise.start_sql:
        with closing(connect(url)) as database:
            database.execute(rows.encode())


def _tip(branch: str) -> str:
    """The commit of a branch; empty where there is no such branch."""
    return git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").strip()
