"""A project in odd surroundings: a command works, or says in a line why not and what to type; and
whatever happens, nothing outside the project is touched.

To add a row: its name, what is odd (variables, or files that `prepare` makes), what is typed, the exit
code, and what is said. Where a row says so, uv may write into the folder above.
"""

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from tests.conftest import SLUG, bake, borrowing, copy_data, run, stop_servers

ERROR, INCOMPLETE = 2, 2  # `make` turns every failure into its own exit code


class Place(NamedTuple):
    """Where a row takes place: what lies outside the project must stay as it is."""

    outside: Path
    project: Path

    def write(self, name: str, text: str) -> Path:
        """Make a file outside the project."""
        file = self.outside / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file


def nothing(_: Place) -> None:
    """Most rows need no files."""


class Row(NamedTuple):
    typed: tuple[str, ...]
    code: int = 0
    says: tuple[str, ...] = ()
    env: Mapping[str, str] = MappingProxyType({})
    prepare: Callable[[Place], object] = nothing
    own_environment: bool = False
    """Whether the project has a `.venv` of its own; else it borrows that of the shared bake."""
    writes: tuple[str, ...] = ()
    """What uv may write outside the project."""


def workspace(place: Place, **tables: list[str]) -> None:
    text = "".join(f"{key} = {value!r}\n" for key, value in tables.items())
    head = '[project]\nname = "mono"\nversion = "1"\nrequires-python = ">=3.11"\n'
    place.write("pyproject.toml", f"{head}[tool.uv.workspace]\n{text}")


def environment_in_use(place: Place) -> None:
    folder = place.outside / "in-use"
    run("uv", "venv", "--quiet", folder, at=place.outside).check_returncode()
    package = "lib/python{}.{}/site-packages/theirs-1.dist-info".format(*sys.version_info)
    place.write(f"in-use/{package}/METADATA", "Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    place.write(f"in-use/{package}/RECORD", "")


def damage(place: Place) -> None:
    activate = place.project / ".venv/bin/activate"
    moved = re.sub(
        r"(?m)^VIRTUAL_ENV='.*'", f"VIRTUAL_ENV='{place.project}/.venv'", activate.read_text()
    )
    activate.write_text(moved)
    [routing] = place.project.glob(".venv/lib/python*/site-packages/fastapi/routing.py")
    [status] = place.project.glob(".venv/lib/python*/site-packages/starlette/status.py")
    routing.unlink()
    status.write_text("half")


def broken_uv(place: Place) -> None:
    """A uv that dies whenever it is to run a program of the project."""
    text = f'#!/bin/sh\n[ "$1" = run ] && exit 77\nexec {shutil.which("uv")} "$@"\n'
    place.write("bin/uv", text).chmod(0o755)


def repository_above(place: Place) -> None:
    shutil.rmtree(place.project / ".git")
    place.write(".gitignore", "*.sum\n")
    run("git", "init", "--quiet", at=place.outside).check_returncode()


HOSTILE = {
    "PYTHONPATH": "{outside}/theirs",
    "PYTHONSAFEPATH": "1",
    "PYTHONWARNINGS": "error",
    "PYTHONHOME": "",
    "UV_NO_DEV": "1",
    "UV_NO_SYNC": "1",
    "UV_ENV_FILE": "{outside}/no-such-file",
    "VIRTUAL_ENV": "{outside}/no-such-folder",
    "GIT_DIR": "{outside}/git",
    "GIT_INDEX_FILE": "{outside}/index",
    "PGSSLMODE": "require",
    "PGHOSTADDR": "127.0.0.1",
    "PGPORT": "1",
    "PGSERVICE": "theirs",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGOPTIONS": "-c no_such_setting=1",
    "PGTARGETSESSIONATTRS": "standby",
}


def strangers_modules(place: Place) -> None:
    for name in ("typer", "sqlalchemy", "psycopg", "pytest", "platformdirs", "uvicorn"):
        place.write(f"theirs/{name}.py", f"raise SystemExit('this is another {name}')\n")


def hostile(*typed: str) -> Row:
    return Row(typed, env=HOSTILE, prepare=strangers_modules)


ROWS = {
    "settings of others: status": hostile("make", "migrate-status"),
    "settings of others: apply": hostile("make", "migrate"),
    "settings of others: drift": hostile("make", "schema-drift"),
    "settings of others: tests": hostile("make", "test", "args=tests/integration"),
    "settings of others: set-up": hostile("make", "setup"),
    "settings of others: doctor": hostile("make", "doctor"),
    "a uv workspace above": Row(
        ("make", "setup"),
        INCOMPLETE,
        ("NOT DONE  workspace", 'exclude = ["services/team-directory"]', "make setup workspace=1"),
        prepare=lambda place: workspace(place, members=["services/*"]),
    ),
    "a uv workspace above, joined": Row(
        ("make", "setup", "workspace=1"),
        prepare=lambda place: workspace(place, members=["services/*"]),
        own_environment=True,
        writes=("uv.lock", ".venv"),
    ),
    "a uv workspace above that excludes it": Row(
        ("make", "setup"),
        prepare=lambda place: workspace(place, members=["services/*"], exclude=["services/team*"]),
    ),
    "a uv workspace above that has other members": Row(
        ("make", "setup"), prepare=lambda place: workspace(place, members=["libraries/*"])
    ),
    "a .python-version above": Row(
        ("make", "setup"), prepare=lambda place: place.write(".python-version", "3.6\n")
    ),
    "settings of ruff, pytest and mypy above": Row(
        ("make", "test", "args=tests/unit"),
        prepare=lambda place: (
            place.write("pytest.ini", "[pytest]\naddopts = --no-such-option\n"),
            place.write("conftest.py", "raise SystemExit('theirs')\n"),
            place.write("ruff.toml", "no-such-setting = 1\n"),
            place.write("mypy.ini", "[mypy]\npython_version = 2.7\n"),
        ),
    ),
    "an environment in use: set-up": Row(
        ("make", "setup"),
        INCOMPLETE,
        ("(UV_PROJECT_ENVIRONMENT) holds packages of something else (theirs)", "Nothing was"),
        {"UV_PROJECT_ENVIRONMENT": "{outside}/in-use"},
        environment_in_use,
    ),
    "an environment in use: any command": Row(
        ("make", "migrate-status"),
        ERROR,
        ("UV_PROJECT_ENVIRONMENT=", "holds packages of something else", "Unset it"),
        {"UV_PROJECT_ENVIRONMENT": "{outside}/in-use"},
        environment_in_use,
    ),
    "an environment that was made elsewhere: any command": Row(
        ("make", "migrate-validate"), own_environment=True
    ),
    "an environment that was made elsewhere: doctor": Row(
        ("make", "doctor"),
        ERROR,
        ("FIX  environment .venv was made in another folder: make setup",),
        own_environment=True,
    ),
    "an environment that was made elsewhere: set-up": Row(
        ("make", "setup"),
        says=("everything locked is in .venv, which was recreated",),
        own_environment=True,
    ),
    "an environment that lacks files: doctor": Row(
        ("make", "doctor"),
        ERROR,
        ("FIX  environment .venv lacks files of fastapi, starlette: make setup",),
        prepare=damage,
        own_environment=True,
    ),
    "an environment that lacks files: set-up": Row(
        ("make", "setup"),
        says=("everything locked is in .venv, which was recreated",),
        prepare=damage,
        own_environment=True,
    ),
    "a second half that dies": Row(
        ("make", "setup"),
        INCOMPLETE,
        ("NOT DONE  migration   the step ended with exit code 77.", "make setup"),
        {"PATH": "{outside}/bin:{PATH}"},
        broken_uv,
    ),
    "a file that may not get larger": Row(
        ("sh", "-c", "ulimit -f 8 && rm uv.lock && make setup"),
        INCOMPLETE,
        ("NOT DONE  lock",),
    ),
    "rules of git above": Row(
        ("make", "doctor"),
        ERROR,
        ("git ignores migrations/atlas.sum", "git add --force migrations/atlas.sum"),
        prepare=repository_above,
    ),
}


@pytest.fixture
def place(
    service: Path,
    workshop: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Place]:
    """A copy of the shared bake below a folder that stands for the rest of the world."""
    row = ROWS[request.getfixturevalue("name")]
    outside = workshop / f"surroundings-{list(ROWS.values()).index(row)}"
    project = outside / "services" / SLUG
    leave = (".postgres",) if row.own_environment else (".postgres", ".venv")
    if not row.own_environment:
        monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", str(service / ".venv"))
    shutil.copytree(service, project, ignore=shutil.ignore_patterns(*leave), symlinks=True)
    copy_data(workshop / "servers", project / ".postgres")
    yield Place(outside, project)
    stop_servers(project)
    shutil.rmtree(outside, ignore_errors=True)


def everything(place: Place, but: tuple[str, ...]) -> dict[str, tuple[int, int, int]]:
    """All files outside the project, with mode, size and time."""
    found = {}
    for folder, names, files in os.walk(place.outside):
        at = Path(folder)
        names[:] = [each for each in names if at / each != place.project and each not in but]
        for each in {*files} - {*but}:
            status = (at / each).lstat()
            found[str(at / each)] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found


@pytest.mark.parametrize("name", ROWS)
def test_it_works_or_says_why_not_and_nothing_outside_is_touched(place: Place, name: str) -> None:
    row = ROWS[name]
    row.prepare(place)
    before = everything(place, row.writes)
    words = {"outside": place.outside, "PATH": os.environ["PATH"]}
    env = {key: value.format(**words) for key, value in row.env.items()}
    done = run(*row.typed, at=place.project, env=env)
    said = done.stdout + done.stderr
    assert done.returncode == row.code, said
    for text in row.says:
        assert text in " ".join(said.split("\n")), said
    assert "Traceback" not in said
    assert everything(place, row.writes) == before


# --- the first commit ---


@pytest.fixture
def rendered(template: Path, workshop: Path, request: pytest.FixtureRequest) -> Path:
    """A project that was rendered, and not set up yet."""
    into = workshop / str(request.node.name)
    assert bake(template, into, env={"TEMPLATE_SETUP": "no"}).returncode == 0
    return into / SLUG


def test_the_first_commit_is_whole_whatever_git_is_told_to_ignore(
    rendered: Path, service: Path
) -> None:
    ignore = rendered.parent / "ignore"
    ignore.write_text("*.sql\n*.sum\n*.lock\n*.whl\nmigrations\n.env.example\ntests\n")
    config = rendered.parent / "gitconfig"
    config.write_text(f"[core]\n\texcludesFile = {ignore}\n[init]\n\tdefaultBranch = trunk\n")
    env = borrowing(service) | {"GIT_CONFIG_GLOBAL": str(config)}
    done = run("make", "setup", at=rendered, env=env)
    assert "first commit on branch trunk" in done.stdout
    expected = run("git", "ls-files", at=service).stdout.split()
    committed = run("git", "ls-files", at=rendered).stdout.split()
    times = re.compile(r"\d{14}")
    assert {times.sub("", each) for each in committed} == {times.sub("", each) for each in expected}


def test_what_a_partial_set_up_could_not_make_is_committed_by_the_next_one(
    rendered: Path, service: Path
) -> None:
    broken = Place(rendered.parent, rendered)
    broken_uv(broken)
    path = {"PATH": f"{rendered.parent}/bin:{os.environ['PATH']}"}
    first = run("make", "setup", at=rendered, env=borrowing(service) | path)
    assert "first commit" in first.stdout
    assert run("git", "ls-files", "migrations", at=rendered).stdout == ""
    later = run("make", "setup", at=rendered, env=borrowing(service))
    assert "committed what was missing: migrations/" in later.stdout
    assert run("git", "status", "--porcelain", at=rendered).stdout == ""


def test_what_somebody_has_committed_is_not_added_to(rendered: Path, service: Path) -> None:
    run("git", "init", "--quiet", at=rendered)
    run("git", "add", "pyproject.toml", at=rendered)
    run("git", "commit", "--quiet", "--message", "Mine", at=rendered)
    done = run("make", "setup", at=rendered, env=borrowing(service))
    assert "git has its first commit already" in done.stdout
    assert run("git", "ls-files", at=rendered).stdout.split() == ["pyproject.toml"]


# --- where no environment can be ---


def test_a_path_that_no_environment_works_with_is_named(rendered: Path) -> None:
    odd = rendered.parent / f"odd{os.pathsep}folder"
    rendered.rename(odd)
    done = run("make", "setup", at=odd)
    assert done.returncode == INCOMPLETE
    assert f"the project's path has a {os.pathsep} in it" in done.stdout
    assert not (odd / ".venv").exists()


def test_a_python_that_is_too_old_is_told_in_a_line(rendered: Path) -> None:
    shown = run("make", "--dry-run", "setup", at=rendered).stdout
    [program] = re.findall(r"python3 -c '(.*?)' &&", shown)
    aged = f"import sys; sys.version_info = (3, 9, 1); {program}"
    old = run(sys.executable, "-c", aged, at=rendered)
    assert (old.returncode, old.stderr) == (1, "python3 >= 3.10 is needed: make PYTHON=...\n")
    assert run(sys.executable, "-c", program, at=rendered).returncode == 0
