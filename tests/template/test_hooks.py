"""The hooks as programs: where they run, what they delete, what they remember."""

import tempfile
from pathlib import Path
from typing import Any

import pytest

from modelmigrate.service import link
from tests.conftest import SLUG, bake, run
from tests.template.hooks import DEFAULTS, load_hook


def post_gen(**answers: Any) -> Any:
    return load_hook("post_gen_project", DEFAULTS | answers)


def test_cookiecutter_is_recognised(tmp_path: Path) -> None:
    assert post_gen(_output_dir="x").origin(tmp_path / SLUG) == "cookiecutter"


def test_cruft_create_is_recognised_also_below_the_temporary_folder(tmp_path: Path) -> None:
    assert post_gen(_commit="abc").origin(tmp_path / SLUG) == "cruft create"


def test_cruft_update_and_diff_are_recognised_by_their_temporary_folder() -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder).resolve() / SLUG
        assert post_gen(_commit="abc").origin(project) == "render"


def test_set_up_can_be_switched_off_and_updates_stay_possible(
    template: Path, tmp_path: Path
) -> None:
    baked = bake(template, tmp_path / "out", env={"TEMPLATE_SETUP": "no"})
    project = tmp_path / "out" / SLUG
    assert baked.returncode == 0
    assert (project / ".cruft.json").exists()
    for made in (".env", ".venv", "uv.lock", ".git"):
        assert not (project / made).exists()


def cloned(template: Path, folder: Path) -> Path:
    run("git", "clone", "-q", template, folder, at=folder.parent).check_returncode()
    return folder


def test_a_commit_that_is_nowhere_else_is_updated_from_where_it_is(
    template: Path, tmp_path: Path
) -> None:
    clone = cloned(template, tmp_path / "clone")
    assert link.address_of(clone) == str(template)
    run("git", "commit", "-q", "--allow-empty", "-m", "Ours", at=clone).check_returncode()
    assert link.address_of(clone) == str(clone)


@pytest.mark.parametrize(
    ("origin", "remembered"),
    [
        ("https://ci:s3cret@git.example.com/org/template", "https://git.example.com/org/template"),
        ("https://git.example.com/@org/template", "https://git.example.com/@org/template"),
        ("git@git.example.com:org/template", "git@git.example.com:org/template"),
    ],
)
def test_a_token_in_the_template_s_address_is_not_remembered(
    origin: str, remembered: str, template: Path, tmp_path: Path
) -> None:
    clone = cloned(template, tmp_path / "clone")
    run("git", "remote", "set-url", "origin", origin, at=clone).check_returncode()
    assert link.address_of(clone) == remembered


def test_without_a_shell_a_relative_template_is_found_from_where_the_bake_was_started(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PWD", raising=False)
    hook = post_gen(_repo_dir=template.name, _output_dir=str(template.parent))
    assert hook.template_folder() == template


def test_a_rule_that_is_younger_than_a_project_does_not_end_its_updates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = load_hook("pre_gen_project", DEFAULTS | {"project_slug": "fastapi", "_commit": "abc"})
    monkeypatch.chdir(tmp_path)
    assert hook.main() == 1
    with tempfile.TemporaryDirectory() as folder:
        rendered = Path(folder) / "fastapi"
        rendered.mkdir()
        monkeypatch.chdir(rendered)
        assert hook.main() == 0
        monkeypatch.chdir(tmp_path)
