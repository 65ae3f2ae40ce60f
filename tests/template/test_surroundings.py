"""A bake in odd surroundings: what it ties to its template, and what it says and keeps when it cannot."""

import json
import os
import shlex
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter

from modelmigrate.service import link
from modelmigrate.service.template import cruft_problem
from tests.conftest import SLUG, TREE, bake, run
from tests.template.hooks import DEFAULTS, load_hook

OFF = {"TEMPLATE_SETUP": "no"}
ODD = {
    "project_name": 'Zoë\'s "Shop"',
    "project_slug": "shop",
    "description": "It sells: 'things'",
    "author_name": "Zoë O'Hara",
    "author_email": "zoe@shop.example",
    "ci_provider": "gitlab",
    "kubernetes": "yes",
    "license": "Apache-2.0",
}


def copy_of(template: Path, folder: Path) -> Path:
    run("git", "clone", "-q", template, folder, at=folder.parent).check_returncode()
    run("git", "remote", "remove", "origin", at=folder).check_returncode()
    return folder


@pytest.fixture
def clone(template: Path, tmp_path: Path) -> Path:
    """A template that a test may change."""
    return copy_of(template, tmp_path / "clone")


# What is around a bake that is started in {here}, where the template lies in ./clone.
SURROUNDINGS = {
    "a shell": {"PWD": "{here}"},
    "no shell": {"PWD": ""},
    "a PWD of another folder": {"PWD": "/"},
    "a PWD of a folder that is gone": {"PWD": "{here}/gone"},
    "a PWD with another template": {"PWD": "{here}/other"},
    "a hook of git": {"GIT_DIR": "{here}/other/.git", "GIT_INDEX_FILE": "{here}/other/.git/index"},
    "a work tree of another": {"GIT_DIR": "{here}/other/.git", "GIT_WORK_TREE": "{here}/other"},
    "a git with settings of another": {"GIT_CONFIG_PARAMETERS": "'core.bare'='true'"},
    "a git that may not look far": {"GIT_CEILING_DIRECTORIES": "{here}/clone"},
}


@pytest.mark.parametrize("around", SURROUNDINGS)
def test_a_project_is_tied_to_its_template_whatever_is_around(
    around: str, clone: Path, tmp_path: Path
) -> None:
    copy_of(clone, tmp_path / "other")
    copy_of(clone, tmp_path / "other" / "clone")
    run("git", "commit", "-qm", "Of another", "--allow-empty", at=tmp_path / "other")
    run("git", "commit", "-qm", "Ours", "--allow-empty", at=clone).check_returncode()
    env = {name: value.format(here=tmp_path) for name, value in SURROUNDINGS[around].items()}
    baked = run("cookiecutter", "./clone", "--no-input", at=tmp_path, env=OFF | env)
    assert baked.returncode == 0, baked.stderr
    assert "NOT DONE" not in baked.stdout
    state = json.loads((tmp_path / SLUG / ".cruft.json").read_text(encoding="utf-8"))
    commit = run("git", "rev-parse", "HEAD", at=clone).stdout.strip()
    assert (state["template"], state["commit"]) == (str(clone), commit)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives away")
def test_a_template_of_another_user_is_remembered_and_left_as_it_is(
    clone: Path, tmp_path: Path
) -> None:
    for path in (clone, *clone.rglob("*")):
        shutil.chown(path, 65534)
    index = (clone / ".git" / "index").stat().st_mtime_ns
    careful = {"GIT_CONFIG_GLOBAL": os.devnull}  # that of the tests trusts every folder
    assert run("git", "status", at=clone, env=careful).returncode != 0
    baked = bake(clone, tmp_path / "out", env=OFF | careful)
    assert "NOT DONE" not in baked.stdout
    assert (tmp_path / "out" / SLUG / ".cruft.json").exists()
    assert (clone / ".git" / "index").stat().st_mtime_ns == index
    assert {path.stat().st_uid for path in clone.rglob("*")} == {65534}


def no_repository(clone: Path) -> None:
    shutil.rmtree(clone / ".git")


def no_commit(clone: Path) -> None:
    no_repository(clone)
    run("git", "init", "-q", at=clone).check_returncode()


def inside_another(clone: Path) -> None:
    no_repository(clone)
    run("git", "init", "-q", at=clone.parent).check_returncode()


def changes(clone: Path) -> None:
    (clone / "README.md").write_text("edited", encoding="utf-8")


def nothing(clone: Path) -> None:
    pass


UNLINKABLE = {
    no_repository: "is no git clone: uvx cruft link -y TEMPLATE ",
    no_commit: "has no commit: make one, then uvx cruft link -y {clone} ",
    inside_another: "is a folder in the git repository {clone.parent}: uvx cruft link -y TEMPLATE ",
    changes: "has uncommitted changes: commit them, then uvx cruft link -y {clone} ",
}


@pytest.mark.parametrize("spoil", UNLINKABLE)
def test_a_template_that_gives_no_updates_is_told_with_its_reason_and_the_cure(
    spoil: object, clone: Path, tmp_path: Path
) -> None:
    spoil(clone)  # type: ignore[operator]
    told = link.remember(tmp_path, clone, DEFAULTS)
    assert UNLINKABLE[spoil].format(clone=clone) in told  # type: ignore[index]
    assert "\n" not in told
    assert not (tmp_path / ".cruft.json").exists()


def test_without_git_or_the_template_s_folder_the_reason_is_told(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "folder is not found: uvx cruft link" in link.remember(tmp_path, None, DEFAULTS)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git is not installed" in link.remember(tmp_path, clone, DEFAULTS)


def test_a_file_that_cannot_be_written_is_told(clone: Path, tmp_path: Path) -> None:
    (tmp_path / ".cruft.json").mkdir()
    told = link.remember(tmp_path, clone, DEFAULTS)
    assert ".cruft.json cannot be written" in told
    assert f"uvx cruft link -y {clone}" in told


def follow(said: str, project: Path, template: Path) -> None:
    """Type what was said that ties the project to its template, and see that this is the whole of it."""
    line = said.partition("uvx ")[2].partition(" (TEMPLATE")[0].splitlines()[0]
    words = [str(template) if word == "TEMPLATE" else word for word in shlex.split(line)]
    linked = run(*words, at=project)
    assert linked.returncode == 0, linked.stderr
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "All")):
        run("git", *command, at=project).check_returncode()
    checked = run(sys.executable, "-m", "modelmigrate", "template", "check", at=project)
    assert (checked.returncode, checked.stdout) == (0, "up to date with the template\n")


def test_the_command_that_is_told_ties_the_project_with_its_own_answers(
    clone: Path, tmp_path: Path
) -> None:
    with (clone / TREE.name / "README.md").open("a", encoding="utf-8") as readme:
        readme.write("\nNot committed yet.\n")
    baked = bake(clone, tmp_path / "out", ODD, env=OFF)
    assert baked.returncode == 0, baked.stderr
    project = tmp_path / "out" / "shop"
    run("git", "commit", "-qam", "Committed", at=clone).check_returncode()
    follow(baked.stdout, project, clone)
    same = run("cruft", "diff", "--exit-code", at=project)
    assert same.returncode == 0, same.stdout


def test_a_bake_without_hooks_is_found_out_later_and_can_be_tied(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ODD | {"kubernetes": False}
    options = {"no_input": True, "output_dir": str(tmp_path / "out"), "extra_context": answers}
    project = Path(cookiecutter(str(clone), accept_hooks=False, **options))
    monkeypatch.chdir(project)
    problem = cruft_problem()
    assert "the hooks of its bake were not run" in problem
    assert "\n" not in problem
    checked = run(sys.executable, "-m", "modelmigrate", "template", "check", at=project)
    assert checked.returncode == 1
    assert problem in checked.stderr
    follow(problem, project, clone)
    assert cruft_problem() == ""
    state = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    told = answers | {"ci_provider": "github"}  # which of them it was, no file tells
    assert told.items() <= state["context"]["cookiecutter"].items()


def test_a_cruft_json_that_was_deleted_comes_back_from_git(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bake(clone, tmp_path / "out", env=OFF).returncode == 0
    project = tmp_path / "out" / SLUG
    monkeypatch.chdir(project)
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "All")):
        run("git", *command, at=project).check_returncode()
    run("git", "rm", "-q", ".cruft.json", at=project).check_returncode()
    run("git", "commit", "-qm", "Away with it", at=project).check_returncode()
    words = shlex.split(cruft_problem().partition("Restore it: ")[2])
    run(*words, at=project).check_returncode()
    assert cruft_problem() == ""


# --- the set-up that a bake runs ---


def with_setup(clone: Path, code: str) -> Path:
    """Let the set-up of this template be that code."""
    [wheel] = (clone / TREE.name / "vendor").glob("*.whl")
    with zipfile.ZipFile(wheel) as old:
        files = {name: old.read(name) for name in old.namelist()}
    files["modelmigrate/service/setup.py"] = f"import os, sys, signal\n{code}\n".encode()
    with zipfile.ZipFile(wheel, "w") as new:
        for name, data in files.items():
            new.writestr(name, data)
    run("git", "commit", "-qam", "Another set-up", at=clone).check_returncode()
    return clone


# How a set-up ends -> what is told, and whether the project stays.
ENDINGS = {
    "sys.exit(0)": ("make migrate && make run", True),
    "sys.exit(3)": ("make setup, when that is fixed", True),
    "sys.exit(130)": ("Setting up", True),
    "sys.exit(10)": ("--keep-project-on-failure", False),
    "sys.exit(1)": ("ended with exit code 1. The project is kept; missing: .env, ", True),
    "raise RuntimeError": ("ended with exit code 1.", True),
    "os.kill(os.getpid(), signal.SIGKILL)": ("ended with exit code -9.", True),
    "(": ("ended with exit code 1.", True),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_project_is_kept_however_its_set_up_ends_but_for_a_schema_that_is_refused(
    ending: str, clone: Path, tmp_path: Path
) -> None:
    told, kept = ENDINGS[ending]
    baked = bake(with_setup(clone, ending), tmp_path / "out")
    assert (baked.returncode == 0) == kept, baked.stdout + baked.stderr
    assert told in baked.stdout
    assert (tmp_path / "out" / SLUG / ".cruft.json").exists() == kept
    assert ("make setup" in baked.stdout) == (
        ending not in ("sys.exit(0)", "sys.exit(10)", "sys.exit(130)")
    )


def test_the_set_up_does_not_see_what_is_meant_for_other_programs(
    clone: Path, tmp_path: Path
) -> None:
    with_setup(clone, "print(*os.environ, sep='\\n')")
    foreign = ("PYTHONWARNINGS", "UV_ENV_FILE", "PGHOST", "GIT_CONFIG_PARAMETERS", "VIRTUAL_ENV")
    baked = bake(clone, tmp_path / "out", env=dict.fromkeys(foreign, ""))
    seen = set(baked.stdout.splitlines())
    assert {"PATH", "PYTHONPATH", "MODELMIGRATE_PROJECT"} <= seen
    assert not seen & set(foreign)


def test_a_bake_without_its_wheel_is_kept_and_says_so(clone: Path, tmp_path: Path) -> None:
    run("git", "rm", "-rq", f"{TREE.name}/vendor", at=clone).check_returncode()
    run("git", "commit", "-qm", "No wheel", at=clone).check_returncode()
    baked = bake(clone, tmp_path / "out")
    assert baked.returncode == 0
    assert "lacks the wheel of modelmigrate" in baked.stdout
    assert "Traceback" not in baked.stdout + baked.stderr
    assert not (tmp_path / "out" / SLUG / "deploy").exists()  # it has its shape all the same


def test_an_interrupt_at_any_time_keeps_the_project_and_says_what_is_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    hook = load_hook("post_gen_project", DEFAULTS | {"_output_dir": "x"})
    monkeypatch.setattr(hook, "bake", interrupted)
    monkeypatch.chdir(tmp_path)
    assert hook.main() == 0
    assert "stopped. The project is kept. Next: cd " in capsys.readouterr().out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_bake_whose_words_nobody_can_take_is_kept(clone: Path, tmp_path: Path) -> None:
    with_setup(clone, "pass")
    script = f"{shlex.quote(sys.executable)} -m cookiecutter clone --no-input -o out > /dev/full"
    baked = run("/bin/sh", "-c", script, at=tmp_path)
    assert baked.returncode == 0, baked.stderr
    assert (tmp_path / "out" / SLUG / ".cruft.json").exists()


# --- who the author is ---


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "Ada Lovelace and ada@example.com"),
        ({"author_name": "Zoë"}, "ada@example.com"),
        ({"author_name": "Zoë", "author_email": "zoe@shop.example"}, None),
    ],
)
def test_the_template_s_own_author_is_not_taken_in_silence(
    given: dict[str, str], told: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    load_hook("post_gen_project", DEFAULTS | given).remarks("")
    said = capsys.readouterr().out
    assert said.count("\n") == (1 if told else 0)
    if told:
        assert f"{told} is the template's default" in said
        assert "edit pyproject.toml, LICENSE and .cruft.json" in said


def test_the_author_that_is_warned_of_is_the_default() -> None:
    own = load_hook("post_gen_project", DEFAULTS).TEMPLATES_AUTHOR
    assert own == {key: DEFAULTS[key] for key in ("author_name", "author_email")}


def test_a_default_that_makes_cookiecutter_drop_the_author_is_told(
    template: Path, tmp_path: Path
) -> None:
    settings = "default_context:\n  ci_provider: jenkins\n  author_name: Zoë\n"
    config = tmp_path / "config.yaml"
    config.write_text(settings, encoding="utf-8")
    baked = bake(template, tmp_path / "out", env=OFF | {"COOKIECUTTER_CONFIG": str(config)})
    assert "Ada Lovelace and ada@example.com is the template's default" in baked.stdout
