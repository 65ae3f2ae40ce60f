"""Every combination of options renders a tidy project, a refused answer none; no set-up is run."""

import itertools
import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest
import yaml
from cookiecutter.exceptions import FailedHookException

from tests.conftest import ROOT, TREE, Cookies, Render, run

QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
PROMPTS = {key: value for key, value in QUESTIONS.items() if not key.startswith("_")}
CHOICES = {key: value for key, value in PROMPTS.items() if isinstance(value, list)}
FLAGS = {key: [False, True] for key, value in PROMPTS.items() if isinstance(value, bool)}
OPTIONS = CHOICES | FLAGS
EVERY_COMBINATION = [
    dict(zip(OPTIONS, values, strict=True)) for values in itertools.product(*OPTIONS.values())
]


@pytest.fixture(autouse=True)
def no_setup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPLATE_SETUP", "no")


def text_files(project: Path) -> dict[str, str]:
    """What is rendered: neither the wheel nor what cruft remembers, where every answer stands."""
    files = (
        path
        for path in project.rglob("*")
        if path.is_file() and path.suffix != ".whl" and path.name != ".cruft.json"
    )
    return {str(path.relative_to(project)): path.read_text(encoding="utf-8") for path in files}


@pytest.fixture(
    params=EVERY_COMBINATION, ids=lambda combination: "-".join(map(str, combination.values()))
)
def project(request: pytest.FixtureRequest, render: Render) -> Path:
    return render(**request.param)


def test_no_jinja_is_left_over(project: Path) -> None:
    for file, text in text_files(project).items():
        assert "cookiecutter." not in text, file
        # ${{ ... }} is GitHub's, {{ .name }} is Argo CD's, {{ checksum "..." }} is CircleCI's.
        assert not re.search(r"(?<!\$)\{\{(?! \.| checksum)|\{%", text), file


def test_every_file_parses_and_ends_in_one_newline(project: Path) -> None:
    for file, text in text_files(project).items():
        if file.endswith(".toml"):
            tomllib.loads(text)
        if file.endswith((".yml", ".yaml")):
            list(yaml.safe_load_all(text))
        if file.endswith(".json"):
            json.loads(text)
        if text:
            assert text.endswith("\n"), file
            assert not text.endswith("\n\n"), file
        assert "\r" not in text, file
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), file


def test_the_formatter_changes_nothing(project: Path) -> None:
    checked = run("ruff", "format", "--no-cache", "--check", ".", at=project)
    assert checked.returncode == 0, checked.stdout


def test_only_what_was_chosen_is_there(project: Path, request: pytest.FixtureRequest) -> None:
    answers = request.node.callspec.params["project"]
    present = {path.name for path in project.iterdir()}
    pipelines = {"github": ".github", "gitlab": ".gitlab-ci.yml", "circleci": ".circleci"}
    assert present & set(pipelines.values()) == {pipelines[answers["ci_provider"]]}
    assert ("renovate.json" in present) == (answers["ci_provider"] != "github")
    assert ("deploy" in present) == answers["kubernetes"]


def test_git_would_take_no_secret(project: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(project, tmp_path / "copy")
    (copy / ".env").write_text("POSTGRES_PASSWORD=generated\n", encoding="utf-8")
    run("git", "init", "-q", at=copy).check_returncode()
    run("git", "add", "-A", at=copy).check_returncode()
    staged = run("git", "ls-files", at=copy).stdout.split()
    assert ".env.example" in staged
    assert ".env" not in staged


def test_every_answer_is_used(render: Render) -> None:
    answers = {
        "project_name": "Zebra Crossing",
        "project_slug": "zebra-stripes",
        "description": "Counts the stripes",
        "author_name": "Zoë Quagga",
        "author_email": "zoe@quagga.example",
    }
    everything = "\n".join(text_files(render(**answers)).values())
    for answer in answers.values():
        assert answer in everything


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("project_name", "two\nlines"),
        ("project_slug", "1bad"),
        ("project_slug", "../evil"),
        ("description", "two\nlines"),
        ("author_name", " "),
        ("author_email", "nobody"),
    ],
)
def test_a_refused_answer_leaves_no_folder(
    cookies: Cookies, template: Path, tmp_path: Path, question: str, answer: str
) -> None:
    result = cookies.bake(extra_context={question: answer}, template=str(template))
    assert result.exit_code != 0
    assert isinstance(result.exception, FailedHookException)
    assert result.project_path is None
    (folder,) = (tmp_path / "cookies").iterdir()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("question", OPTIONS)
def test_an_option_that_is_not_offered_leaves_no_folder(
    cookies: Cookies, template: Path, tmp_path: Path, question: str
) -> None:
    result = cookies.bake(extra_context={question: "perhaps"}, template=str(template))
    assert result.exit_code != 0
    assert question in str(result.exception)
    assert result.project_path is None
    assert list((tmp_path / "cookies").iterdir()) == []


def test_there_are_at_most_eight_questions_each_with_a_human_text() -> None:
    assert len(PROMPTS) <= 8
    assert set(PROMPTS) == set(QUESTIONS["__prompts__"])


def test_a_bake_copies_code_byte_for_byte(render: Render) -> None:
    for file in TREE.rglob("*"):
        if file.suffix in {".py", ".hcl", ".sql"} and "__pycache__" not in file.parts:
            assert (render() / file.relative_to(TREE)).read_bytes() == file.read_bytes()
