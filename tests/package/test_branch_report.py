"""What a branch changes: told as Markdown with diagrams, and its down migrations tried."""

import re
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import run
from tests.package.harness import Project, Ran

FIRST = """\
CREATE TABLE teams (id integer PRIMARY KEY, name text);
CREATE TABLE users (id integer PRIMARY KEY, team_id integer REFERENCES teams (id), nick varchar(20));
CREATE TABLE notes (id integer PRIMARY KEY);
COMMENT ON TABLE notes IS 'of today';
INSERT INTO users (id, nick) VALUES (1, 'ada');
"""
SECOND = """\
-- lint:allow drop-table nobody has read it since March
DROP TABLE notes;
ALTER TABLE users ADD bio text;
ALTER TABLE users ALTER nick TYPE varchar(40);
CREATE FUNCTION shout() RETURNS text LANGUAGE sql AS $$ SELECT '```'::text $$;
"""
BACK = """\
CREATE TABLE notes (id integer PRIMARY KEY);
COMMENT ON TABLE notes IS 'of today';
DROP FUNCTION shout();
ALTER TABLE users ALTER nick TYPE varchar(20);
ALTER TABLE users DROP bio;
"""
Branch = Callable[[str, str], Ran]


@pytest.fixture
def branch(project: Project) -> Iterator[Branch]:
    """Add to main's migration one of these statements, with this down migration; what `check` says."""

    def git(*arguments: str) -> None:
        run("git", *arguments, at=project.folder).check_returncode()

    def branch(up: str, down: str) -> Ran:
        project.add("20260102000000_second", up)
        (project.migrations / "down").mkdir(exist_ok=True)
        (project.migrations / "down/20260102000000_second.sql").write_text(down, encoding="utf-8")
        both = re.sub(r"INSERT .*\n", "", FIRST) + up
        (project.folder / "schema.sql").write_text(both.replace(";\n", ";\n\n"), encoding="utf-8")
        return project.run("branch check", base="main")

    project.add("20260101000000_first", FIRST)
    git("init", "-q", "-b", "main")
    git("add", "migrations")
    git("commit", "-q", "-m", "main")
    yield branch
    shutil.rmtree(project.folder / ".git")


def report(project: Project) -> str:
    ran = project.run("branch report", base="main")
    assert ran.code == 0, ran.said
    return ran.out


def test_each_column_that_a_branch_changes_is_marked_in_the_diagram(
    project: Project, branch: Branch
) -> None:
    branch(SECOND, BACK)
    first, second, *_ = report(project).split("```mermaid\n")[1:]
    drawn, whole = (text.partition("```")[0] for text in (first, second))
    assert 'integer id PK "removed"' in drawn
    assert 'text bio "added"' in drawn
    assert 'varchar(40) nick "was varchar(20)?"' in drawn
    assert "integer team_id FK\n" in drawn
    # What it refers to is there by its keys, and has no note.
    assert re.search(r'"teams" \{\n +integer id PK\n +\}', drawn)
    assert '"notes"' not in whole
    assert '"added"' not in whole


def test_the_objects_that_a_branch_changes_are_listed_with_their_sql_and_the_lint(
    project: Project, branch: Branch
) -> None:
    branch(SECOND, BACK)
    told = report(project)
    assert "1 new migration(s), compared with `main`" in told
    for row in ("| removed | TABLE public&#46;notes |", "| changed | TABLE public&#46;users |"):
        assert row in told
    assert "| added | FUNCTION public&#46;shout&#40;&#41; |" in told
    assert "OWNER" not in told
    assert "\n+bio text" in told
    assert "\n-CREATE TABLE public.notes" in told
    assert "COMMENT" not in told
    assert "### Migration lint: " in told
    assert "Reason: nobody has read it since March" in told
    # The function's own backticks end no block.
    assert "\n````diff\n" in told


def test_a_branch_without_migrations_says_so(project: Project, branch: Branch) -> None:
    assert "This branch adds no migration to `main`." in report(project)


def test_a_base_that_is_not_fetched_is_said_with_the_command_that_fetches_it(
    project: Project, branch: Branch
) -> None:
    ran = project.run("branch report")
    assert ran.code == 1
    assert "there is no origin/main in this repository" in ran.err
    assert "git fetch origin" in ran.err


def test_a_new_down_migration_that_leads_back_is_counted(project: Project, branch: Branch) -> None:
    checked = branch(SECOND, BACK)
    assert checked.code == 0, checked.said
    assert "ok    round trip    1 new down file(s) restore the schema before" in checked.out


def test_a_new_down_migration_that_does_not_lead_back_is_refused(
    project: Project, branch: Branch
) -> None:
    for down, reason in (
        (BACK.replace("ALTER TABLE users DROP bio;\n", ""), "\n+bio text"),
        ("DROP TABLE nosuch;\n", 'table "nosuch" does not exist'),
        (f"{BACK}COMMIT;\n", "COMMIT"),
    ):
        checked = branch(SECOND, down)
        assert checked.code == 3, checked.said
        assert (
            "migrations/down/20260102000000_second.sql does not restore the schema" in checked.err
        )
        assert reason in checked.err
        assert "Nothing was changed. Correct it; or delete it, and make migrate-hash" in checked.err


def test_what_cannot_be_rolled_back_is_a_note(project: Project, branch: Branch) -> None:
    checked = branch(SECOND, "-- irreversible: the notes are gone\n")
    assert checked.code == 0, checked.said
    assert (
        "note: 20260102000000_second.sql cannot be rolled back: the notes are gone" in checked.out
    )
    (project.migrations / "down/20260102000000_second.sql").unlink()
    checked = project.run("branch check", base="main")
    assert "it has no down file; make migrate-hash writes one" in checked.out
