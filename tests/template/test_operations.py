"""Each recipe of a service's docs/operations.md: the trouble is made, the recipe typed, the trouble gone."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.conftest import TREE, run
from tests.template.readme import blocks_of, commands
from tests.template.test_commands_of_a_bake import edit, make

USER = Path("src/domain/models/user.py")
TEAM_MODEL = Path("src/domain/models/team.py")
TEAM = "INSERT INTO teams (id, name) VALUES ('00000000-0000-0000-0000-00000000000{}', '{}')"
OPERATIONS = TREE / "docs" / "operations.md"
# What stands above the first heading tells how to look; it is no recipe.
RECIPES = dict(
    section.split("\n", 1) for section in OPERATIONS.read_text(encoding="utf-8").split("\n## ")[1:]
)
Trouble = Callable[[Path, str], Iterator[dict[str, str]]]
TROUBLES: dict[str, Trouble] = {}


def trouble(recipe: str) -> Callable[[Trouble], Trouble]:
    """Make the trouble of this recipe. What it yields stands for the words of the recipe; what follows
    asserts more than that the database is well again."""

    def register(make_trouble: Trouble) -> Trouble:
        TROUBLES[recipe] = make_trouble
        return make_trouble

    return register


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def next_migration(project: Path) -> None:
    """Write one that is not applied yet, and commit it."""
    edit(project / USER, "    email: ", "    bio: Mapped[str | None]\n    email: ")
    assert make(project, "migrate-create", "m=add bio")[0] == 0
    commit(project)


def commit(project: Path) -> None:
    run("git", "add", "-A", at=project).check_returncode()
    run("git", "commit", "-q", "-m", "A change", at=project).check_returncode()


def by_hand(project: Path, text: str) -> None:
    (project / "migrations" / "29990101000000_by_hand.sql").write_text(text, encoding="utf-8")
    assert make(project, "migrate-hash")[0] == 0
    commit(project)


def apply(project: Path) -> tuple[int, str]:
    code, printed, said = make(project, "migrate-apply", "env=production", "yes=1")
    return code, printed + said


@trouble("The first deployment")
def empty(project: Path, url: str) -> Iterator[dict[str, str]]:
    maintenance = url.replace("/production?", "/postgres?")
    execute(maintenance, "DROP DATABASE production")
    execute(maintenance, "CREATE DATABASE production")
    yield {}


@trouble("A release by hand")
def release(project: Path, url: str) -> Iterator[dict[str, str]]:
    edit(project / USER, "    subject: ", "    bio: Mapped[str | None]  # ")
    assert make(project, "migrate-create", "m=bio for subject", "rename=none")[0] == 0
    commit(project)
    assert "(contract)" in make(project, "migrate-status", "env=production")[1]
    yield {}


@trouble("A migration waited in vain for a lock")
def reader(project: Path, url: str) -> Iterator[dict[str, str]]:
    edit(
        project / "pyproject.toml",
        "[tool.modelmigrate]",
        "[tool.modelmigrate]\nlock-timeout = 1\nattempts = 1",
    )
    next_migration(project)
    with psycopg.connect(url) as session:
        session.execute("SELECT * FROM users")
        code, said = apply(project)
        assert code == 5
        pid = session.info.backend_pid
        assert f"PID {pid}, user postgres" in said
        yield {"4242": str(pid)}
        session.close()


@trouble("A migration stopped half-way")
def stopped(project: Path, url: str) -> Iterator[dict[str, str]]:
    by_hand(
        project,
        "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY half_way ON teams (name, id);\n"
        "SELECT 1 / (count(*) - 1) FROM teams;\n",
    )
    execute(url, TEAM.format(1, "Core"))
    assert apply(project)[0] == 1
    execute(url, "DELETE FROM teams")
    yield {}
    assert execute(url, "SELECT to_regclass('half_way')::text") == [("half_way",)]


@trouble("A unique index found duplicates")
def duplicates(project: Path, url: str) -> Iterator[dict[str, str]]:
    edit(project / TEAM_MODEL, "String(100))", "String(100), unique=True)")
    assert make(project, "migrate-create", "m=unique names")[0] == 0
    for number in (1, 2):
        execute(url, TEAM.format(number, "Core"))
    assert "could not create unique index" in apply(project)[1]
    yield {}


@trouble("An index is INVALID")
def invalid(project: Path, url: str) -> Iterator[dict[str, str]]:
    next_migration(project)
    for number in (1, 2):
        execute(url, TEAM.format(number, "Core"))
    with pytest.raises(psycopg.errors.UniqueViolation):
        execute(url, "CREATE UNIQUE INDEX CONCURRENTLY by_hand ON teams ((id IS NULL))")
    assert apply(project)[0] == 3
    yield {}


@trouble("The schema was changed by hand: drop the change")
def changed(project: Path, url: str) -> Iterator[dict[str, str]]:
    execute(url, "CREATE INDEX by_hand ON teams (name, id)")
    assert make(project, "schema-drift", "env=production")[0] == 2
    yield {}
    assert execute(url, "SELECT to_regclass('by_hand')") == [(None,)]


@trouble("The schema was changed by hand: keep the change")
def kept(project: Path, url: str) -> Iterator[dict[str, str]]:
    execute(url, "CREATE INDEX by_hand ON teams (name, id)")
    assert make(project, "schema-drift", "env=production")[0] == 2
    yield {}
    assert execute(url, "SELECT to_regclass('by_hand')::text") == [("by_hand",)]


@trouble("The history does not match")
def modified(project: Path, url: str) -> Iterator[dict[str, str]]:
    run("git", "tag", "v1.4.0", at=project).check_returncode()
    [file] = (project / "migrations").glob("*.sql")
    edit(file, "CREATE", "-- a second thought\nCREATE")
    assert make(project, "migrate-hash")[0] == 0
    commit(project)
    assert apply(project)[0] == 4
    yield {}


@trouble("A release is bad: roll its migrations back")
def bad(project: Path, url: str) -> Iterator[dict[str, str]]:
    next_migration(project)
    assert apply(project)[0] == 0
    yield {}
    assert "pending   1" in make(project, "migrate-status", "env=production")[1]
    assert apply(project)[0] == 0


@trouble("Restore a backup")
def lost(project: Path, url: str) -> Iterator[dict[str, str]]:
    execute(url, TEAM.format(1, "Core"))
    yield {}
    restored = url.replace("/production?", "/restored?")
    assert execute(restored, "SELECT name FROM teams") == [("Core",)]


def test_every_recipe_is_tried() -> None:
    assert set(TROUBLES) == set(RECIPES)


@pytest.fixture
def production(fork: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a database that is migrated, with PostgreSQL's own programs on PATH."""
    url = make(fork, "db-url")[1].strip()
    execute(url, "CREATE DATABASE production")
    url = re.sub(r"/[^/?]*\?", "/production?", url, count=1)
    monkeypatch.setenv("PRODUCTION_DATABASE_URL", url)
    monkeypatch.setenv("RESTORED_DATABASE_URL", url.replace("/production?", "/restored?"))
    assert apply(fork)[0] == 0
    return url


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_ends_the_trouble(
    recipe: str, fork: Path, production: str, monkeypatch: pytest.MonkeyPatch, service: Path
) -> None:
    [programs] = (service / ".venv").rglob("pginstall/bin")
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    with contextmanager(TROUBLES[recipe])(fork, production) as words:
        for block in blocks_of(RECIPES[recipe]):
            for command in commands(block.text):
                for word, meant in words.items():
                    command = command.replace(word, meant)
                typed = run("bash", "-c", command, at=fork)
                assert typed.returncode == 0 or expected_to_fail(command, typed.stderr), typed
    assert "pending   0" in make(fork, "migrate-status", "env=production")[1]
    assert make(fork, "schema-drift", "env=production")[0] == 0


def expected_to_fail(command: str, said: str) -> bool:
    """A look at drift ends with exit code 2, which is the trouble."""
    return command.startswith("make schema-drift") and said.strip().endswith("Error 2")
