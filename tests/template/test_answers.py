"""Answers are refused with every reason at once, or they render files that parse."""

import os
import shutil
import tempfile
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from cookiecutter.main import cookiecutter
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT, TREE, bake
from tests.template.hooks import DEFAULTS, load_hook

GOOD = DEFAULTS | {"project_slug": "good-name"}


@pytest.fixture(scope="session")
def hook() -> ModuleType:
    return load_hook("pre_gen_project", GOOD)


def test_the_defaults_are_accepted(hook: ModuleType) -> None:
    assert hook.problems(DEFAULTS) == []


@pytest.mark.parametrize(
    ("slug", "reason"),
    [
        ("", "start with a letter"),
        ("1bad", "start with a letter"),
        ("Has Space", "lower-case"),
        ("under_score", "single hyphens"),
        ("double--hyphen", "single hyphens"),
        ("trailing-", "single hyphens"),
        ("../evil", "lower-case"),
        ("/etc/evil", "lower-case"),
        ("$(id)", "lower-case"),
        ("ünï", "lower-case"),
        ("a" * 41, "at most 40"),
        ("class", "keyword"),
        ("match", "keyword"),
        ("json", "standard library"),
        ("fastapi", "dependencies"),
        ("import-linter", "dependencies"),
        ("domain", "own tree"),
        ("load-models", "own tree"),
        ("postgres", "PostgreSQL"),
        ("con", "Windows"),
        ("lpt1", "Windows"),
    ],
)
def test_a_slug_that_would_break_something_is_refused(
    hook: ModuleType, slug: str, reason: str
) -> None:
    assert reason in "\n".join(hook.problems(GOOD | {"project_slug": slug}))


@pytest.mark.parametrize("slug", ["a", "team-directory", "x2", "a" * 40, "shop-api-v2"])
def test_an_odd_but_legal_slug_is_accepted(hook: ModuleType, slug: str) -> None:
    assert hook.problems(GOOD | {"project_slug": slug}) == []


def test_every_problem_is_told_at_once(hook: ModuleType) -> None:
    answers = {
        "project_name": " ",
        "project_slug": "1bad",
        "description": "two\nlines",
        "author_name": "{" + "{ config }" + "}",
        "author_email": "nobody",
        "kubernetes": "maybe",
    }
    assert len(hook.problems(GOOD | answers)) == 6


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("two\nlines", "line breaks or control characters (U+000A)"),
        ("two\u2028lines", "line breaks or control characters (U+2028)"),
        ("a\x07bell", "line breaks or control characters (U+0007)"),
        (os.fsdecode(b"Zo\xeb"), "what is no text (U+DCEB): the terminal sends it in another"),
    ],
)
def test_text_that_no_file_can_hold_in_a_line_is_refused(
    hook: ModuleType, text: str, reason: str
) -> None:
    assert [f"author_name holds {reason}"] == [
        each[: len(reason) + len("author_name holds ")]
        for each in hook.problems(GOOD | {"author_name": text})
    ]


@pytest.mark.parametrize("email", ["", "a", "a@b", "a b@c.de", 'a"@b.cd', "a@b.c\n", "ä@ö.de"])
def test_an_address_that_would_break_a_file_is_refused(hook: ModuleType, email: str) -> None:
    assert "author_email" in "\n".join(hook.problems(GOOD | {"author_email": email}))


def test_the_names_kept_free_are_those_of_the_dependencies(hook: ModuleType) -> None:
    service, package = (
        tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        for folder in (TREE, ROOT)
    )
    requirements = [
        *service["project"]["dependencies"],
        *service["dependency-groups"]["dev"],
        *service["build-system"]["requires"],
        *package["project"]["dependencies"],
        *package["project"]["optional-dependencies"]["server"],
    ]
    names = {requirement.partition(">")[0].partition("[")[0] for requirement in requirements}
    assert names == hook.DEPENDENCIES


def test_an_old_cookiecutter_is_refused(hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hook.cookiecutter_problems() == []
    monkeypatch.setattr("cookiecutter.__version__", "2.6.0")
    assert "2.7 or newer" in hook.cookiecutter_problems()[0]


def test_a_refusal_lists_all_and_leaves_nothing_behind(template: Path, tmp_path: Path) -> None:
    baked = bake(template, tmp_path / "out", {"project_slug": "1bad", "author_email": "nobody"})
    assert baked.returncode != 0
    assert "project_slug '1bad'" in baked.stderr
    assert "author_email 'nobody'" in baked.stderr
    assert "Traceback" not in baked.stderr
    assert not (tmp_path / "out" / "1bad").exists()


@pytest.mark.parametrize("name", ["!!!", "-", "😀"])
def test_a_name_without_letters_is_refused_in_the_usual_words(
    template: Path, tmp_path: Path, name: str
) -> None:
    baked = bake(template, tmp_path / "out", {"project_name": name})
    assert baked.returncode != 0
    assert "project_slug '-': use lower-case letters" in baked.stderr
    assert "already exists" not in baked.stdout + baked.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.fixture(scope="session")
def answers_only(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template, less the files that no answer reaches: quick to render many times."""
    folder = tmp_path_factory.mktemp("answers-only")
    shutil.copy2(template / "cookiecutter.json", folder)
    for file in (template / TREE.name).rglob("*"):
        if file.is_file() and b"cookiecutter" in file.read_bytes():
            copy = folder / file.relative_to(template)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)
    return folder


# Everyday text, and text made of what breaks TOML, YAML, Python, Make and shells.
TEXT = st.text(min_size=1, max_size=60) | st.text("\"'\\{}%#`$<>&:-|>=\t\r\né漢😀 a", min_size=1)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=TEXT, description=TEXT, author=TEXT)
def test_any_text_is_refused_or_renders_files_that_parse(
    hook: ModuleType, answers_only: Path, name: str, description: str, author: str
) -> None:
    text = {"project_name": name, "description": description, "author_name": author}
    answers = GOOD | text
    assert answers == load_hook("pre_gen_project", answers).ANSWERS
    assume(not hook.problems(answers))
    with tempfile.TemporaryDirectory() as folder:
        project = Path(
            cookiecutter(
                str(answers_only),
                no_input=True,
                accept_hooks=False,
                extra_context=text | {"project_slug": GOOD["project_slug"], "kubernetes": True},
                output_dir=folder,
            )
        )
        about = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert about["description"] == description
        assert about["authors"] == [{"name": author, "email": GOOD["author_email"]}]
        for file in (*project.rglob("*.yml"), *project.rglob("*.yaml")):
            list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
