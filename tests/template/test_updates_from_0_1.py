"""A project of 0.1, with `tools/` of its own, takes in the version that has the package instead."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT, SLUG, TREE, run, stop_servers

LAST_OF_0_1 = f"{TREE.name}/tools/template.py"  # the program that updates a project of 0.1
OURS = "# Ours: one rule more.\n"


class Updated(NamedTuple):
    project: Path
    said: str
    code: int


def git(at: Path, *arguments: str | Path) -> str:
    finished = run("git", *arguments, at=at)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture(scope="session")
def updated(template: Path, workshop: Path) -> Iterator[Updated]:
    """Updated by its own `make template-update`, with a file of `tools/` and a model changed."""
    folder = workshop / "from-0.1"
    history = folder / "template"
    git(workshop, "clone", "-q", ROOT, history)
    removed = git(history, "log", "-1", "--format=%H", "--", LAST_OF_0_1).strip()
    old = git(history, "rev-parse", f"{removed}^").strip()
    git(history, "switch", "-q", "-C", "main", old)
    create = ("cruft", "create", history, "--no-input", "--output-dir", folder)
    made = run(*create, at=folder, env={"TEMPLATE_SETUP": "no"})
    assert made.returncode == 0, made.stderr
    git(history, "rm", "-qr", ".")
    shutil.copytree(template, history, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git"))
    git(history, "add", "-A")
    git(history, "commit", "-qm", "Today")

    project = folder / SLUG
    with (project / "tools/schema/lint.py").open("a", encoding="utf-8") as file:
        file.write(OURS)
    git(project, "init", "-q", "-b", "main")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "Work")
    finished = run("make", "template-update", "check=no", at=project)
    yield Updated(project, finished.stdout + finished.stderr, finished.returncode)
    stop_servers(project)


def test_the_folder_tools_goes_and_the_wheel_comes(updated: Updated) -> None:
    kept = [path for path in (updated.project / "tools").rglob("*.py") if path.is_file()]
    assert [path.name for path in kept] == ["lint.py"]
    [wheel] = (updated.project / "vendor").iterdir()
    assert wheel.read_bytes() == (TREE / "vendor" / wheel.name).read_bytes()
    assert wheel.name in (updated.project / "pyproject.toml").read_text(encoding="utf-8")


def test_a_file_of_tools_that_was_edited_stays_and_is_named(updated: Updated) -> None:
    assert (updated.project / "tools/schema/lint.py").read_text(encoding="utf-8").endswith(OURS)
    assert "tools/schema/lint.py (removed by the template; yours was changed" in updated.said
    assert updated.code != 0, "somebody has to look at it"


def test_what_a_project_has_to_do_is_shown(updated: Updated) -> None:
    assert "Rename `[tool.schema]` in `pyproject.toml` to `[tool.modelmigrate]`" in updated.said


def test_the_new_commands_work_at_once(updated: Updated) -> None:
    assert list((updated.project / "migrations").glob("*_template_update.sql")), updated.said
    for target in ("migrate", "schema-drift", "migrate-validate"):
        done = run("make", target, at=updated.project)
        assert done.returncode == 0, done.stdout + done.stderr
