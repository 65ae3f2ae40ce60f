"""One table tells where each environment stands, those included that cannot be reached."""

from collections.abc import Iterator

import pytest

from modelmigrate.errors import Exit
from modelmigrate.postgres.scratch import scratch_database
from tests.package.harness import Project, execute

FIRST, SECOND = "20260101000000", "20260102000000"
UNREACHABLE = "postgresql://ada:secret@127.0.0.1:1/none"


@pytest.fixture
def staging(project: Project, live: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Both have a migration and a row; `live` has the next migration, which `staging` has not."""
    with scratch_database() as url:
        monkeypatch.setenv("STAGING_DATABASE_URL", url)
        project.add(f"{FIRST}_teams", "CREATE TABLE teams (id integer);")
        for env in ("staging", "live"):
            assert project.run("apply", env=env, yes=True).code == 0
        execute(url, "INSERT INTO teams VALUES (1)")
        project.add(f"{SECOND}_name", "ALTER TABLE teams ADD name text;")
        assert project.run("apply", env="live", yes=True).code == 0
        yield url


@pytest.mark.usefixtures("staging")
def test_all_environments_are_in_a_table_and_what_is_pending_is_no_drift(project: Project) -> None:
    shown = project.run("environments")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines() == [
        "| environment | version | applied | pending | drift |",
        "| --- | --- | --- | --- | --- |",
        f"| live | {SECOND} | 2 | 0 | none |",
        f"| staging | {FIRST} | 1 | 1 | none |",
    ]


def test_drift_is_told_with_the_objects_and_the_command_for_its_details(
    project: Project, staging: str
) -> None:
    execute(staging, 'ALTER TABLE teams ADD motto text; CREATE TABLE "a|b" (id integer)')
    shown = project.run("environments")
    assert shown.code == Exit.DRIFT
    assert r"| TABLE public.teams (changed), TABLE public.a\|b (extra) |" in shown.out
    assert f"| live | {SECOND} | 2 | 0 | none |" in shown.out
    assert "staging: 2 difference(s) from its migrations" in shown.err
    assert "make schema-drift env=staging" in shown.err


@pytest.mark.usefixtures("staging")
def test_one_that_cannot_be_reached_is_a_row_and_hides_no_other(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABROAD_DATABASE_URL", UNREACHABLE)
    shown = project.run("environments", env="abroad, nowhere,live,live")
    assert shown.code == Exit.ERROR
    abroad, nowhere, live = shown.out.splitlines()[2:]
    assert abroad.startswith("| abroad | ? | ? | ? | not compared: cannot connect to PostgreSQL")
    assert nowhere.startswith("| nowhere | ? | ? | ? | not compared: there is no environment")
    assert live == f"| live | {SECOND} | 2 | 0 | none |"
    assert "NOWHERE_DATABASE_URL=" in shown.err
    assert "secret" not in shown.said


def test_another_history_weighs_more_than_drift_and_is_told_with_its_version(
    project: Project, staging: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABROAD_DATABASE_URL", UNREACHABLE)
    execute(staging, "ALTER TABLE teams ADD motto text")
    (project.migrations / f"{SECOND}_name.sql").unlink()
    project.run("hash")
    shown = project.run("environments")
    assert shown.code == Exit.HISTORY_MISMATCH
    assert f"| live | {FIRST} | 1 | 0 | not compared: history mismatch |" in shown.out
    assert "TABLE public.teams (changed)" in shown.out
    assert "the database is ahead" in shown.err


def test_without_any_environment_it_says_how_to_name_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.add(f"{FIRST}_teams", "CREATE TABLE teams (id integer);")
    monkeypatch.delenv("LIVE_DATABASE_URL")
    shown = project.run("environments")
    assert shown.code == Exit.ERROR
    assert "STAGING_DATABASE_URL=" in shown.err
    assert shown.out == ""
