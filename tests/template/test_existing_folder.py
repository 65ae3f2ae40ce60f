"""A bake over a folder that exists deletes nothing that it has not written itself."""

import fnmatch
import json
import os
from pathlib import Path

import pytest

from tests.conftest import ROOT, SLUG, TREE, run
from tests.template.hooks import DEFAULTS, load_hook

NOTES = ".bake-in-progress.json"
# Of what cookiecutter renders for other answers than these, nothing stays.
ANSWERS: dict[str, str | bool] = {"ci_provider": "gitlab", "kubernetes": False}
NOT_CHOSEN = (
    ".circleci/config.yml",
    ".github/dependabot.yml",
    ".github/workflows/ci.yml",
    ".github/workflows/release.yml",
    ".github/workflows/scheduled.yml",
    "deploy/argocd/application-set.yaml",
    "deploy/argocd/hooks.yaml",
    "deploy/argocd/kustomization.yaml",
    "deploy/kubernetes/availability.yaml",
    "deploy/kubernetes/deployment.yaml",
    "deploy/kubernetes/kustomization.yaml",
    "deploy/kubernetes/migration-job.yaml",
    "deploy/kubernetes/network-policy.yaml",
    "deploy/overlays/production/kustomization.yaml",
    "deploy/overlays/staging/kustomization.yaml",
    "deploy/release.sh",
)
SAME_NAME = "deploy/kubernetes/service.yaml"
OWN = (
    "deploy/terraform.tfstate",
    "deploy/kubernetes/own.yaml",
    "deploy/own/deep/down.yaml",
    ".github/workflows/own.yml",
    ".github/CODEOWNERS",
    ".circleci/own/config.yml",
    "vendor/own.whl",
    "src/own.py",
)
EMPTY = ("deploy/argocd", "deploy/empty/deep")
WAYS = {
    "cookiecutter -f": ("cookiecutter", "{template}", "--no-input", "-f"),
    "cookiecutter -f -s": ("cookiecutter", "{template}", "--no-input", "-f", "-s"),
    "cruft create -f": ("cruft", "create", "{template}", "--no-input", "-f"),
}


def bake_over(way: str, template: Path, into: Path, **answers: str | bool) -> None:
    command = [word.format(template=template) for word in WAYS[way]]
    answers = ANSWERS | answers
    given = (
        ["--extra-context", json.dumps(answers)]
        if command[0] == "cruft"
        else [f"{key}={value}" for key, value in answers.items()]
    )
    baked = run(*command, *given, at=into, env={"TEMPLATE_SETUP": "no"})
    assert baked.returncode == 0, baked.stdout + baked.stderr


def own_files(project: Path) -> dict[str, tuple[bytes, int]]:
    """Write them, the one read-only, and tell what they are."""
    for name in (*OWN, SAME_NAME):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(f"{name}, of the user\n", encoding="utf-8")
    for name in EMPTY:
        (project / name).mkdir(parents=True)
    (project / OWN[1]).chmod(0o444)
    (project / "deploy" / "link").symlink_to(project.parent)
    (project / "deploy" / "dangling").symlink_to("nowhere")
    return snapshot(project, *OWN)


def snapshot(project: Path, *names: str) -> dict[str, tuple[bytes, int]]:
    return {
        name: ((project / name).read_bytes(), (project / name).stat().st_mode) for name in names
    }


@pytest.mark.parametrize("way", WAYS)
def test_what_the_user_has_there_stays_and_what_was_not_chosen_does_not_come(
    way: str, template: Path, tmp_path: Path
) -> None:
    project = tmp_path / SLUG
    before = own_files(project)
    same = snapshot(project, SAME_NAME)
    bake_over(way, template, tmp_path)
    assert snapshot(project, *OWN) == before
    assert all((project / name).is_dir() for name in EMPTY)
    assert [(project / "deploy" / name).readlink() for name in ("link", "dangling")] == [
        tmp_path,
        Path("nowhere"),
    ]
    assert [name for name in NOT_CHOSEN if os.path.lexists(project / name)] == []
    if "-s" in WAYS[way]:
        assert snapshot(project, SAME_NAME) == same
    else:
        assert not (project / SAME_NAME).exists()  # which cookiecutter has overwritten
    assert (project / ".gitlab-ci.yml").is_file()
    assert (project / ".cruft.json").is_file()
    assert not (project / NOTES).exists()


def test_a_link_in_the_place_of_a_folder_stays_and_so_does_what_is_behind_it(
    template: Path, tmp_path: Path
) -> None:
    project, elsewhere = tmp_path / SLUG, tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "service.yaml").write_text("ours\n", encoding="utf-8")
    (project / "deploy").mkdir(parents=True)
    (project / "deploy" / "kubernetes").symlink_to(elsewhere)
    bake_over("cookiecutter -f -s", template, tmp_path)
    assert (project / "deploy" / "kubernetes").is_symlink()
    assert [(path.name, path.read_text("utf-8")) for path in elsewhere.iterdir()] == [
        ("service.yaml", "ours\n")
    ]


def test_a_folder_in_the_place_of_a_file_stays(template: Path, tmp_path: Path) -> None:
    folder = tmp_path / SLUG / ".gitlab-ci.yml"
    folder.mkdir(parents=True)
    bake_over("cookiecutter -f", template, tmp_path, ci_provider="github")
    assert folder.is_dir()


def test_the_same_bake_again_changes_nothing(template: Path, tmp_path: Path) -> None:
    chosen: dict[str, str | bool] = {"ci_provider": "github", "kubernetes": True}

    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    (tmp_path / SLUG).mkdir()
    bake_over("cookiecutter -f", template, tmp_path, **chosen)
    first = files()
    assert tmp_path / SLUG / SAME_NAME in first
    for way in ("cookiecutter -f", "cookiecutter -f -s"):
        bake_over(way, template, tmp_path, **chosen)
        assert files() == first


def pre_gen(**answers: object) -> int:
    code: int = load_hook("pre_gen_project", DEFAULTS | answers).main()
    return code


def test_a_refusal_writes_nothing_into_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_files(tmp_path / SLUG)
    monkeypatch.chdir(tmp_path / SLUG)
    before = sorted(Path().rglob("*"))
    assert pre_gen(author_email="nobody") == 1
    assert sorted(Path().rglob("*")) == before


def test_a_folder_without_such_files_gets_no_notes_and_loses_those_of_an_interrupted_bake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert pre_gen() == 0
    assert list(tmp_path.iterdir()) == []
    (tmp_path / NOTES).write_text("{", encoding="utf-8")
    assert pre_gen() == 0
    assert list(tmp_path.iterdir()) == []


def test_notes_that_cannot_be_written_are_a_refusal_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / NOTES).mkdir()
    monkeypatch.chdir(tmp_path)
    assert pre_gen() == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_files_that_may_be_deleted_are_those_of_the_template() -> None:
    named = {name for names in optional().values() for name in names}
    parts = {Path(name).parts[0] for name in named}
    listing = run("git", "ls-files", "-z", "--", TREE.name, at=ROOT).stdout
    tree = {Path(name).relative_to(TREE.name) for name in filter(None, listing.split("\0"))}
    assert named == {path.as_posix() for path in tree if path.parts[0] in parts}
    assert sorted(named) == list(load_hook("pre_gen_project", DEFAULTS).OPTIONAL)
    assert load_hook("pre_gen_project", DEFAULTS).NOTES == NOTES


def optional() -> dict[tuple[str, tuple[object, ...]], list[str]]:
    found: dict[tuple[str, tuple[object, ...]], list[str]] = load_hook(
        "post_gen_project", DEFAULTS
    ).OPTIONAL
    return found


def test_cookiecutter_replaces_no_folder_as_a_whole() -> None:
    # It deletes a folder that is copied without rendering, and what the user has in it.
    patterns = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))["_copy_without_render"]
    folders = [path.relative_to(TREE).as_posix() for path in TREE.rglob("*") if path.is_dir()]
    assert [f for f in folders for pattern in patterns if fnmatch.fnmatch(f, pattern)] == []
