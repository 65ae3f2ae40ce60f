"""The template tree is checked as it stands: what is linted and typed is what users get."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, TREE, run

CODE = [path for suffix in ("py", "hcl", "sql") for path in TREE.rglob(f"*.{suffix}")]
SOURCE = sorted((TREE / "src").rglob("*.py"))


def test_no_jinja_in_code() -> None:
    for file in CODE:
        assert not re.search(r"\{\{|\{%", file.read_text(encoding="utf-8")), file


def test_every_toml_yaml_and_json_file_parses_unrendered() -> None:
    for file in TREE.rglob("*.json"):
        json.loads(file.read_text(encoding="utf-8"))
    for file in TREE.rglob("*.toml"):
        tomllib.loads(file.read_text(encoding="utf-8"))
    for file in (*TREE.rglob("*.yml"), *TREE.rglob("*.yaml")):
        list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


def test_the_linter_and_the_formatter_have_nothing_to_say() -> None:
    for command in (("check",), ("format", "--check")):
        checked = run("ruff", *command, "--no-cache", ".", at=ROOT)
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.long
def test_the_template_tree_is_strictly_typed_unrendered(service: Path) -> None:
    mypy = service / ".venv" / "bin" / "mypy"
    checked = run(mypy, at=TREE)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.long
def test_the_hooks_and_tests_are_strictly_typed(tmp_path: Path) -> None:
    # mypy throws away what it has found out with other plugins, as those of a service.
    checked = run("mypy", "--cache-dir", tmp_path, at=ROOT)
    assert checked.returncode == 0, checked.stdout


def test_the_units_of_the_service_pass_unrendered(service: Path) -> None:
    pytest_of_the_service = (service / ".venv" / "bin" / "python", "-B", "-m", "pytest")
    tested = run(*pytest_of_the_service, "-p", "no:cacheprovider", "tests/unit", at=TREE)
    assert tested.returncode == 0, tested.stdout


def test_the_service_stays_small_enough_to_read_in_fifteen_minutes() -> None:
    lines = {file: file.read_text(encoding="utf-8").splitlines() for file in SOURCE}
    assert len([file for file in lines if lines[file]]) <= 27
    assert max(map(len, lines.values())) <= 110
    assert sum(bool(line.strip()) for text in lines.values() for line in text) < 1470


def test_the_readme_of_the_service_lists_every_setting() -> None:
    settings = (TREE / "src" / "infrastructure" / "settings.py").read_text(encoding="utf-8")
    names = {name.upper() for name in re.findall(r"^    (\w+): ", settings, re.MULTILINE)}
    readme = (TREE / "README.md").read_text(encoding="utf-8")
    table = readme.partition("\n## Settings\n")[2].partition("\n## ")[0]
    assert len(names) >= 15
    assert names <= set(re.findall(r"`([A-Z_]+)`", table))


def test_file_names_work_on_every_system() -> None:
    listing = run("git", "ls-files", "--cached", "--others", "--exclude-standard", at=ROOT)
    for name in listing.stdout.splitlines():
        assert not re.search(r'[|"<>:?*\\]|[ .]$', name.replace("{{cookiecutter.", "")), name


def test_nothing_lies_in_the_tree_that_git_ignores() -> None:
    listing = run("git", "status", "--porcelain", "--ignored", TREE.name, at=ROOT)
    assert [line for line in listing.stdout.splitlines() if line.startswith("!!")] == []
