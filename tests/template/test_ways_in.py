"""Every way to get a project, and that updates work from its first second.

No network: for github.com, git goes to a bare repository on this disk.
"""

import json
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import SLUG, Render, borrowing, path_without, run
from tests.template.hooks import DEFAULTS

TAG = "v0.0.9"
LINE_AT_TAG = "\nAs it was at the tag.\n"
URL = "https://github.com/org/template"


class Way(NamedTuple):
    command: tuple[str, ...]
    remembered: str
    tag: str | None = None


WAYS = {
    "gh": Way(("cookiecutter", "gh:org/template"), f"{URL}.git"),
    "gh-tag": Way(("cookiecutter", "gh:org/template", "-c", TAG), f"{URL}.git", TAG),
    "folder": Way(("cookiecutter", "{template}"), "{template}"),
    "relative-folder": Way(("cookiecutter", "../clone"), "{template}"),
    "cruft": Way(("cruft", "create", URL), URL),
    "cruft-tag": Way(("cruft", "create", URL, "-c", TAG), URL, TAG),
}


class Newcomer(NamedTuple):
    project: Path
    way: Way
    said: str


@pytest.fixture(scope="session")
def clone(template: Path, workshop: Path) -> Path:
    """The template, whose history has a tag before the latest commit."""
    folder = workshop / "ways-in" / "clone"
    run("git", "clone", "-q", template, folder, at=workshop).check_returncode()
    run("git", "remote", "remove", "origin", at=folder).check_returncode()
    readme = folder / "{{cookiecutter.project_slug}}" / "README.md"
    with readme.open("a", encoding="utf-8") as file:
        file.write(LINE_AT_TAG)
    for command in (
        ("commit", "-qam", "Older"),
        ("tag", TAG),
        ("revert", "--no-edit", "HEAD"),
    ):
        run("git", *command, at=folder).check_returncode()
    return folder


@pytest.fixture(scope="module")
def github(clone: Path) -> Iterator[None]:
    """What git asks of github.com comes from this disk."""
    remotes = Path(tempfile.mkdtemp(prefix="remotes-", dir=clone.parent))
    bare = remotes / "org" / "template.git"
    run("git", "clone", "-q", "--bare", clone, bare, at=clone.parent).check_returncode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_COUNT", "1")
        patch.setenv("GIT_CONFIG_KEY_0", f"url.{remotes.as_uri()}/.insteadOf")
        patch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
        yield


@pytest.fixture(scope="session")
def without_uv(workshop: Path) -> dict[str, str]:
    """Set-up then does what needs no package: `.env`, `.cruft.json` and the first commit."""
    folder = workshop / "ways-in" / "bin"
    folder.mkdir(parents=True)
    return path_without(folder, "uv", "uvx")


def make(
    *command: str, into: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command where the project is to lie; PWD is what a user's shell sets."""
    into.mkdir()
    return run(*command, "--no-input", at=into, env={"PWD": str(into), **(env or {})})


@pytest.fixture(scope="module", params=WAYS)
def newcomer(
    request: pytest.FixtureRequest, github: None, clone: Path, without_uv: dict[str, str]
) -> Newcomer:
    command, remembered, tag = WAYS[request.param]
    way = Way(
        tuple(word.format(template=clone) for word in command),
        remembered.format(template=clone),
        tag,
    )
    into = Path(tempfile.mkdtemp(prefix=f"by-{request.param}-", dir=clone.parent))
    into.rmdir()  # a name that nobody else has; beside the clone, which one way calls ../clone
    made = make(*way.command, into=into, env=without_uv)
    assert made.returncode == 0, made.stdout + made.stderr
    project = into / SLUG
    if way.command[0] == "cruft":
        # .cruft.json came after the hook, which says what is left to do.
        assert "make setup   (once more" in made.stdout
        assert not (project / ".git").exists()
        run("make", "setup", at=project, env=without_uv)
    return Newcomer(project, way, made.stdout)


def test_a_project_remembers_its_template_as_cruft_would(newcomer: Newcomer, clone: Path) -> None:
    project, way, said = newcomer
    commit = run("git", "rev-parse", f"{way.tag or 'HEAD'}^0", at=clone).stdout.strip()
    remembered = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    assert remembered == {
        "template": way.remembered,
        "commit": commit,
        "checkout": way.tag,
        "context": {
            "cookiecutter": {
                **{key: value for key, value in DEFAULTS.items() if key != "__prompts__"},
                "_template": way.remembered,
                "_commit": commit,
            }
        },
        "directory": None,
    }
    assert "updates" not in said


def test_the_first_commit_is_the_whole_project_as_rendered(
    newcomer: Newcomer, render: Render
) -> None:
    project, way, _ = newcomer
    rendered = {
        path.relative_to(render()).as_posix(): path.read_bytes()
        for path in render().rglob("*")
        if path.is_file() and path.name != ".cruft.json"
    }
    if way.tag:
        rendered["README.md"] += LINE_AT_TAG.encode()
    committed = run("git", "ls-tree", "-r", "-z", "--name-only", "HEAD", at=project).stdout
    assert {
        name: (project / name).read_bytes()
        for name in committed.split("\0")
        if name and name != ".cruft.json"
    } == rendered
    assert ".cruft.json" in committed
    assert run("git", "status", "--porcelain", at=project).stdout == ""
    assert run("git", "rev-list", "--count", "HEAD", at=project).stdout.strip() == "1"


def test_cruft_accepts_a_project_at_once(newcomer: Newcomer) -> None:
    project, way, _ = newcomer
    at = ("-c", way.tag) if way.tag else ()
    for command in (("check", *at), ("diff", "--exit-code"), ("update", "-y", *at)):
        accepted = run("cruft", *command, at=project)
        assert accepted.returncode == 0, accepted.stdout + accepted.stderr
        assert run("git", "status", "--porcelain", at=project).stdout == ""


def test_gh_gives_a_project_that_is_set_up_and_ready_for_updates(
    github: None, clone: Path, service: Path
) -> None:
    into = clone.parent / "whole"
    made = make("cookiecutter", "gh:org/template", into=into, env=borrowing(service))
    project = into / SLUG
    assert made.returncode == 0, made.stdout + made.stderr
    assert "NOT DONE" not in made.stdout
    committed = run("git", "ls-files", at=project).stdout.split()
    assert {".cruft.json", "uv.lock", "migrations/atlas.sum"} <= set(committed)
    accepted = run("cruft", "diff", "--exit-code", at=project)
    assert accepted.returncode == 0, accepted.stdout
    assert run("git", "status", "--porcelain", at=project).stdout == ""


@pytest.fixture(scope="session")
def archive(clone: Path) -> Path:
    """The zip that a forge offers for download: one folder, no git."""
    file = clone.parent / "template.zip"
    given = ("--format=zip", "--prefix=template-main/", "-o", str(file), "HEAD")
    run("git", "archive", *given, at=clone).check_returncode()
    return file


def test_a_zip_gives_a_project_that_says_it_has_no_updates_and_can_be_tied_to_them(
    github: None, archive: Path, without_uv: dict[str, str]
) -> None:
    made = make("cookiecutter", str(archive), into=archive.parent / "zip", env=without_uv)
    project = archive.parent / "zip" / SLUG
    assert made.returncode == 0, made.stderr
    [said] = (line for line in made.stdout.splitlines() if "updates" in line)
    assert "no git clone" in said
    assert "cruft link" in said
    assert not (project / ".cruft.json").exists()
    assert run("git", "status", "--porcelain", at=project).stdout == ""

    line = said.partition("uvx ")[2].partition(" (")[0].replace("TEMPLATE", URL)
    run(*shlex.split(line), at=project).check_returncode()
    accepted = run("cruft", "diff", "--exit-code", at=project)
    assert accepted.returncode == 0, accepted.stdout
    assert run("git", "status", "--porcelain", at=project).stdout == "?? .cruft.json\n"


# How each way answers a tag that it cannot give.
REFUSALS = {
    ("cookiecutter", "gh:org/template"): "could not found, have you made a typo?",
    ("cruft", "create", URL): "Failed to check out the reference",
    # cookiecutter itself would bake another version than it was asked for, and say nothing
    ("cookiecutter", "{folder}"): "ignores -c",
    ("cookiecutter", "{archive}"): "ignores -c",
}


@pytest.mark.parametrize("command", REFUSALS, ids=" ".join)
def test_a_tag_that_cannot_be_had_makes_no_project_and_says_why(
    command: tuple[str, ...], github: None, clone: Path, archive: Path, tmp_path: Path
) -> None:
    words = [word.format(folder=clone, archive=archive) for word in command]
    refused = make(*words, "-c", "v9", into=tmp_path / "out")
    assert refused.returncode == 1
    assert REFUSALS[command] in " ".join((refused.stdout + refused.stderr).split())
    assert not list((tmp_path / "out").iterdir())
