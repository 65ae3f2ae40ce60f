"""`cruft update` from earlier templates to this one: what it brings, and what it leaves alone.

Projects are made without set-up, by `cruft create`; files stand in for what set-up would make.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT, SLUG, TREE, run
from tests.template.test_bakes import ODD

OLDER = "older"
# How the template `older` differs from today's: file, what is written today (a pattern), and what
# was written then. `git mv`, additions and removals are below, in `age`.
THEN = [
    ("src/domain/models/user.py", r"String\(100\)", "String(80)"),
    ("pyproject.toml", r'"opentelemetry-api>=[^"]*"', '"opentelemetry-api>=0.1"'),
    ("README.md", r"## Run it", "## Start it"),
    ("Makefile", r"## Show this list", "## Show what there is"),
    ("compose.yaml", r"postgres:\d+", "postgres:17"),
    ("src/application/ports.py", r'"""What the use cases need', '"""What they need'),
    # the option `kubernetes` was not there yet
    ("README.md", r"{%-? if (?:not )?cookiecutter.kubernetes %}(?:.*\n)*?.*?{%-? endif %}", ""),
    ("../cookiecutter.json", r'  "kubernetes": false,\n', ""),
    ("../cookiecutter.json", r'    "kubernetes": "Add.*\n', ""),
    ("../hooks/pre_gen_project.py", r" *\*flag_problems\(.*\n", ""),
    ("../hooks/post_gen_project.py", r' *\("kubernetes", .*\): \[\n(?: {8}.*\n)+ *\],\n', ""),
]
# What set-up and the user add: of no concern to the template.
OWN = {
    ".env": "POSTGRES_PASSWORD=generated\n",
    "uv.lock": "version = 1\n",
    "migrations/20260101000000_initial.sql": 'CREATE TABLE "users" ();\n',
    "migrations/20260102000000_own.sql": 'CREATE TABLE "orders" ();\n',
    "migrations/atlas.sum": "h1:abc=\n",
}


def git(at: Path, *arguments: str | Path) -> str:
    finished = run("git", *arguments, at=at)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def earlier(repository: Path) -> list[str]:
    """What projects may come from: every published version; while there is none, the first commit."""
    tags = git(repository, "tag", "--list", "v*", "--merged", "HEAD", "--sort", "version:refname")
    found = tags or git(repository, "rev-list", "--max-parents=0", "HEAD")
    today = git(repository, "rev-parse", "HEAD").strip()
    return [v for v in found.split() if git(repository, "rev-parse", f"{v}^0").strip() != today]


def age(template: Path) -> None:
    """Turn this template into the one it might have been earlier."""
    tree = template / TREE.name
    for file, today, then in THEN:
        path = tree / file
        text, changed = re.subn(today, then, path.read_text(encoding="utf-8"))
        assert changed, f"{file} has no {today}"
        path.write_text(text, encoding="utf-8")
    (tree / "src/infrastructure/logging.py").rename(tree / "src/infrastructure/logs.py")
    (tree / ".editorconfig").unlink()
    (tree / "NEWS.md").write_text("Dropped later.\n", encoding="utf-8")
    shutil.rmtree(tree / "deploy")


@pytest.fixture(scope="session")
def history(template: Path, workshop: Path) -> Path:
    """The repository's own past, then the template `older`, then today's."""
    clone = workshop / "history"
    git(workshop, "clone", "-q", ROOT, clone)
    git(clone, "checkout", "-q", "-B", "main")
    git(clone, "fetch", "-q", template, "main:today")
    git(clone, "read-tree", "-u", "--reset", "today")
    age(clone)
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "Older")
    git(clone, "tag", OLDER)
    git(clone, "read-tree", "-u", "--reset", "today")
    git(clone, "commit", "-qm", "Today")
    return clone


def create(history: Path, into: Path, *options: str, **answers: str) -> Path:
    """A project of the latest version, if the options say no other, without set-up."""
    given = (*options, "--no-input", "--extra-context", json.dumps(answers))
    into.mkdir()
    made = run("cruft", "create", history, *given, at=into, env={"TEMPLATE_SETUP": "no"})
    assert made.returncode == 0, made.stdout + made.stderr
    return live_in(into / answers.get("project_slug", SLUG))


def live_in(project: Path) -> Path:
    """Add what set-up and its user would, and commit."""
    for name, text in OWN.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    git(project, "init", "-q", "-b", "main")
    commit(project)
    return project


def commit(project: Path) -> None:
    git(project, "add", "-A")
    git(project, "commit", "-qm", "Work")


def update(project: Path, env: Mapping[str, str] | None = None) -> None:
    """Update as a user would, hooks and all; what is promised of every update is asserted here."""
    head = git(project, "rev-parse", "HEAD")
    own = {name: (project / name).read_bytes() for name in OWN}
    migrations = set((project / "migrations").iterdir())
    updated = run("cruft", "update", "-y", at=project, env=env)
    assert updated.returncode == 0, updated.stdout + updated.stderr
    assert "Setting up" not in updated.stdout
    assert {name: (project / name).read_bytes() for name in OWN} == own
    assert set((project / "migrations").iterdir()) == migrations
    assert git(project, "rev-parse", "HEAD") == head
    assert not list(project.rglob("*.rej"))


def files(project: Path) -> dict[str, tuple[bytes, bool]]:
    """What each file holds, and whether it can be run."""
    return {
        path.relative_to(project).as_posix(): (path.read_bytes(), bool(path.stat().st_mode & 0o100))
        for path in project.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(project).parts
    }


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_every_published_version_is_tried(history: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", history, "clone")
    clone = tmp_path / "clone"
    for tag in git(clone, "tag", "--list", "v*").split():
        git(clone, "tag", "-d", tag)
    assert earlier(clone) == git(clone, "rev-list", "--max-parents=0", "HEAD").split()
    for tag, at in {"v0.10.0": OLDER, "v0.9.0": f"{OLDER}^", "v1.0.0": "HEAD"}.items():
        git(clone, "tag", tag, at)
    assert earlier(clone) == ["v0.9.0", "v0.10.0"]


@pytest.fixture(scope="session")
def fresh(history: Path, workshop: Path) -> Path:
    """What a bake of today gives."""
    return create(history, workshop / "fresh")


@pytest.mark.parametrize("version", [OLDER, *earlier(ROOT)])
def test_an_untouched_project_becomes_what_a_fresh_one_is(
    version: str, history: Path, fresh: Path, tmp_path: Path
) -> None:
    project = create(history, tmp_path / "old", "-c", version)
    update(project)
    assert files(project) == files(fresh)
    assert git(project, "ls-files", "--unmerged") == ""


def test_odd_answers_survive_an_update(history: Path, tmp_path: Path) -> None:
    odd = {key: value for key, value in ODD.items() if key != "kubernetes"}
    project = create(history, tmp_path / "old", "-c", OLDER, **odd)
    update(project)
    remembered = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    assert remembered["context"]["cookiecutter"].items() >= odd.items()
    assert files(project) == files(create(history, tmp_path / "fresh", **odd))
    commit(project)
    accepted = run("cruft", "diff", "--exit-code", at=project)
    assert accepted.returncode == 0, accepted.stdout


class Lived(NamedTuple):
    project: Path
    calls: list[str]
    temporary: Path


@pytest.fixture(scope="session")
def lived(history: Path, workshop: Path) -> Lived:
    """A project of `older` in which somebody worked, updated under observation."""
    project = create(history, workshop / "lived", "-c", OLDER)
    with (project / "README.md").open("a", encoding="utf-8") as readme:
        readme.write("\nOur own words.\n")
    # Where `uv add` puts it: a comment away from the line that the template changes.
    last = '"opentelemetry-api>=0.1",\n    # yours below this line\n'
    edit(project / "pyproject.toml", last, f'{last}    "redis>=5",\n')
    edit(project / "src/infrastructure/logs.py", '"""', '"""Ours: ')
    (project / "src/application/ports.py").rename(project / "src/application/protocols.py")
    (project / "compose.yaml").unlink()
    (project / "src/domain/models/order.py").write_text('"""Orders."""\n', encoding="utf-8")
    commit(project)

    calls, programs = workshop / "calls", workshop / "programs"
    programs.mkdir()
    for program in ("git", "make", "uv"):
        script = programs / program
        real = shutil.which(program)
        script.write_text(f'#!/bin/sh\necho "{program} $*" >> "{calls}"\nexec "{real}" "$@"\n')
        script.chmod(0o755)
    # A link, as the temporary folder of macOS has one on its way.
    temporary = workshop / "temporary"
    temporary.mkdir()
    (workshop / "link").symlink_to(temporary)
    watched = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "TMPDIR": str(workshop / "link"),
    }
    update(project, watched)
    compared = run("cruft", "diff", at=project, env=watched)
    assert compared.returncode == 0, compared.stderr
    return Lived(project, calls.read_text(encoding="utf-8").splitlines(), temporary)


def test_what_the_user_wrote_elsewhere_in_a_file_is_kept_beside_what_the_template_changed(
    lived: Lived, fresh: Path
) -> None:
    assert git(lived.project, "ls-files", "--unmerged") == ""
    for name, added in {
        "README.md": "\nOur own words.\n",
        "pyproject.toml": '    "redis>=5",\n',
        "src/infrastructure/logging.py": "Ours: ",  # which was src/infrastructure/logs.py when this was written
    }.items():
        text = (lived.project / name).read_text(encoding="utf-8")
        assert added in text
        assert text.replace(added, "", 1) == (fresh / name).read_text(encoding="utf-8")


def test_what_the_user_deleted_or_renamed_does_not_come_back(lived: Lived) -> None:
    assert not (lived.project / "compose.yaml").exists()
    assert not (lived.project / "src/application/ports.py").exists()
    # cruft cannot follow the user's renaming: the file is left as it was
    assert "What they need" in (lived.project / "src/application/protocols.py").read_text("utf-8")


def test_the_rest_is_as_in_a_fresh_project(lived: Lived, fresh: Path) -> None:
    project, expected = files(lived.project), files(fresh)
    names = project.keys() | expected.keys()
    assert {name for name in names if project.get(name) != expected.get(name)} == {
        "README.md",
        "pyproject.toml",
        "compose.yaml",
        "src/infrastructure/logging.py",
        "src/domain/models/order.py",
        "src/application/ports.py",
        "src/application/protocols.py",
    }


def test_hooks_do_nothing_but_shape_inside_updates_and_diffs(lived: Lived) -> None:
    # Set-up cannot go by without these: it locks and installs with uv, runs Atlas and PostgreSQL
    # through `uv run`, and commits with git.
    set_up = {"uv", "make", "init", "add", "commit"}
    assert [call for call in lived.calls if set_up.intersection(call.split())] == []
    assert any(call.startswith("git clone") for call in lived.calls)
    # All that may be left is what cookiecutter leaves: the rendered hooks themselves.
    left = [path for path in lived.temporary.rglob("*") if path.is_file()]
    assert all("ANSWERS" in path.read_text(encoding="utf-8") for path in left)


def test_a_line_that_both_changed_becomes_an_honest_conflict(
    history: Path, fresh: Path, tmp_path: Path
) -> None:
    project = create(history, tmp_path / "old", "-c", OLDER)
    edit(project / "README.md", "## Start it", "## Launch it")
    commit(project)
    update(project)
    readme = (project / "README.md").read_text(encoding="utf-8")
    conflict = re.search(r"<<<<<<< ours\n(.*?)=======\n(.*?)>>>>>>> theirs\n", readme, re.DOTALL)
    assert conflict
    assert "## Launch it" in conflict[1]
    assert "## Run it" in conflict[2]
    status = git(project, "status", "--porcelain").splitlines()
    assert [line for line in status if line[:2] == "UU"] == ["UU README.md"]
    others = files(project) | {"README.md": files(fresh)["README.md"]}
    assert others == files(fresh)
