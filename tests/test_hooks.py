"""The hooks as programs: where they run, what they delete, what they remember."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SLUG, bake, run
from tests.hooks import DEFAULTS, load_hook


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


def test_set_up_can_be_switched_off(template: Path, tmp_path: Path) -> None:
    baked = bake(template, tmp_path / "out", env={"TEMPLATE_SETUP": "no"})
    project = tmp_path / "out" / SLUG
    assert baked.returncode == 0
    assert (project / "pyproject.toml").exists()
    for made in (".env", ".venv", "uv.lock", ".git", ".cruft.json"):
        assert not (project / made).exists()


def test_a_project_remembers_its_template(service: Path, template: Path) -> None:
    remembered = json.loads((service / ".cruft.json").read_text(encoding="utf-8"))
    assert remembered["template"] == str(template)
    assert remembered["commit"] == run("git", "rev-parse", "HEAD", at=template).stdout.strip()
    context = remembered["context"]["cookiecutter"]
    assert context["project_slug"] == SLUG
    assert not {"_output_dir", "_repo_dir", "_checkout"} & set(context)


def test_a_template_given_by_a_relative_path_is_found_again(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PWD", str(template.parent))
    assert post_gen(_repo_dir=template.name).remember_template(tmp_path) is None
    remembered = json.loads((tmp_path / ".cruft.json").read_text(encoding="utf-8"))
    assert remembered["template"] == str(template)


def test_cruft_accepts_a_fresh_project(service: Path) -> None:
    for command in (("check",), ("diff", "--exit-code")):
        accepted = run("cruft", *command, at=service)
        assert accepted.returncode == 0, accepted.stdout + accepted.stderr


def test_a_template_with_uncommitted_changes_is_not_remembered(
    template: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    run("git", "clone", "-q", template, clone, at=tmp_path).check_returncode()
    hook = post_gen(_repo_dir=str(clone))
    assert hook.remember_template(tmp_path) is None
    (clone / "README.md").write_text("edited", encoding="utf-8")
    (tmp_path / ".cruft.json").unlink()
    assert "uncommitted" in hook.remember_template(tmp_path)
    assert not (tmp_path / ".cruft.json").exists()


def test_a_template_that_is_no_clone_is_not_remembered(tmp_path: Path) -> None:
    assert "no git clone" in post_gen(_repo_dir=str(tmp_path)).remember_template(tmp_path)
