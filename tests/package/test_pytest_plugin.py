"""The fixtures for a project's own tests, in runs of pytest as a project has them."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from modelmigrate.postgres.environments import development_url
from tests.conftest import run
from tests.package.harness import Project, project_of

ALONE = """\
import os

import psycopg
import pytest


@pytest.mark.parametrize("row", range(2))
def test_a_row_is_seen_by_its_own_test_alone(database_url: str, row: int) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO users VALUES (1, %s)", [str(row)])
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT * FROM users").fetchall() == [(1, str(row))]
    print(f"{database_url=}")


def test_the_shared_database_is_migrated_and_empty(
    migrated_database: str, database_url: str
) -> None:
    assert migrated_database != database_url
    with psycopg.connect(migrated_database) as connection:
        assert connection.execute("SELECT * FROM users").fetchall() == []
"""
WITHOUT = """\
import sys


def test_nothing_of_ours_is_imported_for_tests_that_ask_for_nothing() -> None:
    assert "modelmigrate.pytest_plugin" in sys.modules
    assert not {"modelmigrate.cli", "psycopg", "sqlalchemy", "typer"} & sys.modules.keys()
"""
SETTINGS = '[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n'


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    with project_of("shop") as shop:
        (shop.folder / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
        tests = shop.folder / "tests"
        tests.mkdir()
        (tests / "test_alone.py").write_text(ALONE, encoding="utf-8")
        (tests / "test_without.py").write_text(WITHOUT, encoding="utf-8")
        yield shop


@pytest.fixture
def migrated(project: Project) -> Iterator[Project]:
    file = project.add("20260101000000_first", "CREATE TABLE users (id integer, name text);\n")
    yield project
    file.unlink()
    (project.migrations / "atlas.sum").unlink()


def pytest_in(
    project: Project, *arguments: str, **variables: str
) -> "subprocess.CompletedProcess[str]":
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cookies")
    return run(
        sys.executable, "-m", "pytest", *options, *arguments, at=project.folder, env=variables
    )


def test_each_test_gets_a_migrated_database_of_its_own(migrated: Project) -> None:
    ran = pytest_in(migrated, "-s", "tests/test_alone.py")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 passed" in ran.stdout
    urls = [line for line in ran.stdout.splitlines() if "database_url=" in line]
    assert len(set(urls)) == 2
    assert development_url() not in ran.stdout


def test_what_is_set_for_libpq_does_not_reach_the_clients_of_the_tests(migrated: Project) -> None:
    theirs = {"PGTARGETSESSIONATTRS": "standby", "PGREQUIREAUTH": "scram-sha-256"}
    ran = pytest_in(migrated, "tests/test_alone.py", PGHOSTADDR="127.0.0.1", **theirs)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_migration_that_is_added_is_in_the_databases_of_the_next_run(migrated: Project) -> None:
    file = migrated.add("20260102000000_second", "ALTER TABLE users ADD age integer;\n")
    ran = pytest_in(migrated, "tests/test_alone.py")
    file.unlink()
    assert ran.returncode == 1
    assert "[(1, '0', None)]" in ran.stdout


def test_without_migrations_the_run_ends_with_what_to_do(project: Project) -> None:
    assert_ends(project, "there is no migration yet", "make migrate-create m=initial")


def test_a_migration_that_does_not_run_ends_the_run_with_its_error(project: Project) -> None:
    file = project.add("20260101000000_first", "CREATE TABLE users (id nothing);\n")
    assert_ends(project, 'type "nothing" does not exist')
    file.unlink()


def test_an_edited_migration_ends_the_run_with_what_to_do(migrated: Project) -> None:
    (file,) = migrated.migrations.glob("*.sql")
    file.write_text("CREATE TABLE users (id bigint);\n", encoding="utf-8")
    assert_ends(migrated, "make migrate-hash")


def assert_ends(project: Project, *reasons: str) -> None:
    ran = pytest_in(project, "tests/test_alone.py")
    text = ran.stdout + ran.stderr
    assert ran.returncode == 1, text
    assert all(reason in text for reason in reasons), text
    assert "Traceback" not in text
    assert "test_alone.py:" not in text


def test_tests_that_ask_for_no_database_load_no_driver(
    project: Project,
) -> None:
    ran = pytest_in(project, "tests/test_without.py")
    assert ran.returncode == 0, ran.stdout + ran.stderr
