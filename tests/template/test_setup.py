"""`make setup` with a tool missing: the project is made, and each gap is told with its fix."""

import os
import shutil
from pathlib import Path

import pytest

from modelmigrate.service.setup import uv
from tests.conftest import SLUG, TREE, bake, borrowing, path_without, run


def test_without_uv_nothing_is_installed_and_the_cure_is_told(
    template: Path, workshop: Path, tmp_path: Path
) -> None:
    baked = bake(template, workshop / "no-uv", env=path_without(tmp_path, "uv", "uvx"))
    project = workshop / "no-uv" / SLUG
    assert baked.returncode == 0, baked.stderr
    assert "NOT DONE  lock        uv is not installed" in baked.stdout
    assert "NOT DONE  install     needs: lock" in baked.stdout
    assert "NOT DONE  migration" in baked.stdout
    assert "make setup" in baked.stdout
    assert (project / ".env").exists()
    assert (project / ".git").exists()


def test_without_git_there_is_no_commit_and_the_cure_is_told(
    template: Path, service: Path, workshop: Path, tmp_path: Path
) -> None:
    env = borrowing(service) | path_without(tmp_path, "git")
    baked = bake(template, workshop / "no-git", env=env)
    project = workshop / "no-git" / SLUG
    assert baked.returncode == 0, baked.stderr
    assert "NOT DONE  repository  git is not installed" in baked.stdout
    assert list((project / "migrations").glob("*_initial.sql"))
    assert not (project / ".git").exists()


def test_without_atlas_the_migration_waits_and_set_up_makes_it_later(
    template: Path, service: Path, workshop: Path, tmp_path: Path
) -> None:
    lacking = {
        **borrowing(service),
        **path_without(tmp_path, "atlas", "go"),
        "ATLAS": "",
        "ATLAS_CACHE_DIR": str(workshop / "no-atlas"),
        "UV_OFFLINE": "1",
        "GOPROXY": "off",
    }
    baked = bake(template, workshop / "later", env=lacking)
    project = workshop / "later" / SLUG
    assert baked.returncode == 0, baked.stderr
    assert "NOT DONE  atlas" in baked.stdout
    assert "NOT DONE  migration   needs: atlas" in baked.stdout
    assert not list((project / "migrations").glob("*.sql"))

    later = run("make", "setup", at=project, env=borrowing(service))
    assert later.returncode == 0, later.stdout
    assert list((project / "migrations").glob("*_initial.sql"))


def test_without_an_identity_git_says_so_and_set_up_commits_later(
    template: Path, service: Path, workshop: Path, tmp_path: Path
) -> None:
    nobody = {"GIT_AUTHOR_NAME": "", "GIT_AUTHOR_EMAIL": "", "GIT_COMMITTER_NAME": ""}
    baked = bake(template, workshop / "nobody", env=nobody | {"TEMPLATE_SETUP": "no"})
    assert baked.returncode == 0
    project = workshop / "nobody" / SLUG
    without_uv = path_without(tmp_path, "uv", "uvx")
    first = run("make", "setup", at=project, env=nobody | without_uv)
    assert "NOT DONE  repository" in first.stdout
    run("make", "setup", at=project, env=borrowing(service))
    assert run("git", "log", "--oneline", at=project).stdout.count("\n") == 1


def test_a_wrong_schema_fails_the_bake(template: Path, service: Path, workshop: Path) -> None:
    broken = workshop / "broken-template"
    shutil.copytree(template, broken)
    model = broken / TREE.name / "src" / "domain" / "models" / "user.py"
    model.write_text(model.read_text(encoding="utf-8").replace("lower", "no_such_function"))
    baked = bake(broken, workshop / "broken", env=borrowing(service))
    assert baked.returncode != 0
    assert "REFUSED   migration" in baked.stdout
    assert "no_such_function" in baked.stdout
    assert "--keep-project-on-failure" in baked.stdout
    assert not (workshop / "broken" / SLUG).exists()


def test_a_shim_without_a_uv_behind_it_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "uv"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    (tmp_path / "atlas.hcl").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert uv() != str(shim)
