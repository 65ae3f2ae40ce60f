"""Whole bakes, by the command that a user types, with every hook and nothing stubbed."""

import json
import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.conftest import SLUG, bake, baked_once, borrowing, run, stop_servers
from tests.template.image import build
from tests.template.readme import follow

# Odd, but legal.
ODD = {
    "project_name": 'Zoë\'s "Shop" & Söhne 😀',
    "project_slug": "z9",
    "description": "Back\\slashes, 'quotes', \"more\" | pipes: #1 {x} 100% $HOME `ls` 漢字",
    "author_name": 'O\'Neil "the" <b>',
    "author_email": "o+neil@sub.example.com",
    "ci_provider": "gitlab",
    "kubernetes": "yes",
    "license": "Proprietary",
}


@pytest.fixture(scope="session")
def odd(template: Path, run_folder: Path, workshop: Path) -> Iterator[Path]:
    project = baked_once("odd", template, run_folder, workshop, ODD)
    yield project
    stop_servers(project)


@pytest.fixture(params=["service", "odd"])
def baked(request: pytest.FixtureRequest) -> Path:
    project: Path = request.getfixturevalue(request.param)
    return project


@pytest.mark.long
def test_a_bake_is_green_and_leaves_git_clean(baked: Path) -> None:
    checked = run("make", "check", at=baked, env={"PYTEST_XDIST_AUTO_NUM_WORKERS": "2"})
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert run("git", "status", "--porcelain", at=baked).stdout == ""


def test_a_bake_has_its_first_migration_committed(baked: Path) -> None:
    [migration] = (baked / "migrations").glob("*_initial.sql")
    assert 'CREATE TABLE "users"' in migration.read_text(encoding="utf-8")
    committed = run("git", "ls-files", at=baked).stdout.split()
    assert f"migrations/{migration.name}" in committed
    assert {"migrations/atlas.sum", "uv.lock", ".cruft.json"} <= set(committed)


def test_a_second_diff_makes_nothing(baked: Path) -> None:
    again = run("make", "migrate-create", "m=again", at=baked)
    assert (again.returncode, again.stdout.strip()) == (
        0,
        "No changes: the migrations match the models.",
    )
    assert run("git", "status", "--porcelain", at=baked).stdout == ""


def test_set_up_can_be_repeated(service: Path) -> None:
    env = (service / ".env").read_text(encoding="utf-8")
    again = run("make", "setup", at=service)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "NOT DONE" not in again.stdout
    assert (service / ".env").read_text(encoding="utf-8") == env
    assert run("git", "status", "--porcelain", at=service).stdout == ""
    assert len(run("git", "log", "--oneline", at=service).stdout.splitlines()) == 1


def test_secrets_are_generated_private_and_ignored(service: Path) -> None:
    env = service / ".env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert "change-me" not in env.read_text(encoding="utf-8")
    assert run("git", "check-ignore", ".env", at=service).returncode == 0


def test_the_models_can_be_shown_by_hand(service: Path) -> None:
    shown = run("uv", "run", "python", "load_models.py", at=service)
    assert "CREATE TABLE users" in shown.stdout


def test_a_bake_leaves_no_process_behind(template: Path, service: Path, workshop: Path) -> None:
    baked = bake(template, workshop / "quiet", env=borrowing(service))
    assert baked.returncode == 0, baked.stdout + baked.stderr
    stopped = run("make", "db-stop", at=workshop / "quiet" / SLUG, env=borrowing(service))
    assert stopped.stdout.strip() == "nothing was running for this project"
    deadline = time.monotonic() + 30
    while left := working_in(workshop / "quiet"):  # a watcher ends a moment after its server
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def working_in(folder: Path) -> list[str]:
    """The command lines of what works in a folder, or on it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = " ".join([*process.cmdline(), process.cwd()])
            if f"{folder}/" in f"{words}/":
                found.append(words)
    return found


def test_a_bake_holds_what_its_owner_owns_and_little_of_it(service: Path) -> None:
    files = set(run("git", "ls-files", at=service).stdout.split()) - {"uv.lock"}
    text = [name for name in files if not name.endswith(".whl")]
    lines = sum((service / name).read_bytes().count(b"\n") for name in text)
    assert len(files) <= 96
    assert lines <= 6800
    assert not (service / "tools").exists()


def test_a_teammate_needs_neither_the_template_nor_the_network(
    service: Path, workshop: Path
) -> None:
    clone = workshop / "teammate" / SLUG
    run("git", "clone", "-q", service, clone, at=workshop).check_returncode()
    offline = {"UV_OFFLINE": "1", "GOPROXY": "off"}
    dev_container = json.loads((clone / ".devcontainer/devcontainer.json").read_text("utf-8"))
    targets = ("migrate", "migrate-validate", "schema-drift", "db-stop")
    for command in (dev_container["postCreateCommand"], *(f"make {each}" for each in targets)):
        done = run("sh", "-c", command, at=clone, env=offline)
        assert done.returncode == 0, done.stdout + done.stderr
    settings = json.loads((clone / ".vscode/settings.json").read_text("utf-8"))
    python = settings["python.defaultInterpreterPath"].replace("${workspaceFolder}", str(clone))
    assert run(python, "-m", "mypy", "--version", at=clone).returncode == 0
    assert run("git", "status", "--porcelain", at=clone).stdout == ""


def test_the_image_installs_what_is_locked_and_not_the_package(
    service: Path, workshop: Path
) -> None:
    app = build(service, "service", workshop / "image", {}).app
    installed = [path.name for path in app.glob(".venv/lib/python*/site-packages/*")]
    assert {"fastapi", "main.py"} <= set(installed)
    assert [
        name for name in installed if name.startswith(("modelmigrate", "atlas_", "typer"))
    ] == []


def test_what_agents_are_told_to_type_exists(service: Path) -> None:
    text = (service / "AGENTS.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"make ([a-z-]+)", text))
    assert {"migrate-create", "migrate", "check"} <= targets
    for target in targets:
        assert run("make", "--dry-run", target, at=service).returncode == 0, target
    assert len(text.splitlines()) <= 40


@pytest.mark.long
def test_the_readme_of_the_service_is_true(fork: Path) -> None:
    readme = fork / "README.md"
    text = readme.read_text(encoding="utf-8")
    everything = "\nmake test  "
    assert everything in text
    # `make check`, two lines below, runs all of them.
    part = text.replace(everything, "\nmake test args=tests/unit  ")
    readme.write_text(part, encoding="utf-8")
    follow(readme, fork)
    assert len(list((fork / "migrations").glob("*.sql"))) == 2


@pytest.mark.long
def test_the_page_on_migrations_is_true_and_names_every_command(fork: Path) -> None:
    page = fork / "docs" / "migrations.md"
    follow(page, fork)
    names = [file.name.partition("_")[2] for file in sorted((fork / "migrations").glob("*.sql"))]
    first = ["initial.sql", "add_bio_and_nick.sql", "add_bio_and_nick_ix_users_nick.sql"]
    assert names == [*first, "about.sql", "drop_bio.sql"]
    assert (fork / "docs" / "schema" / "tables" / "users.svg").exists()
    text = page.read_text(encoding="utf-8")
    makefile = (fork / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^((?:migrate|schema)[a-z-]*):", makefile, re.MULTILINE)
    assert len(targets) > 10
    for target in targets:
        assert f"make {target}" in text


def test_the_page_on_objects_is_true(fork: Path) -> None:
    follow(fork / "docs" / "objects.md", fork)
    names = [file.name.partition("_")[2] for file in sorted((fork / "migrations").glob("*.sql"))]
    assert names == ["initial.sql", "add_owners.sql", "drop_owners.sql"]
    assert run("make", "schema-drift", "against=models", at=fork).returncode == 0


def test_the_examples_can_be_removed(fork: Path) -> None:
    models = fork / "src" / "domain" / "models"
    shutil.rmtree(fork / "src" / "infrastructure" / "persistence" / "sql")
    (models / "audit.py").unlink()
    lines = (models / "team.py").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if "ix_teams_name_likeness" not in line]
    (models / "team.py").write_text("".join(kept), encoding="utf-8")
    for command in (("migrate-create", "m=remove the examples"), ("migrate",), ("schema-drift",)):
        done = run("make", *command, at=fork)
        assert done.returncode == 0, done.stdout + done.stderr
    left = run("make", "schema-inspect", at=fork).stdout
    assert re.findall("EXTENSION|FUNCTION|PROCEDURE|TRIGGER|VIEW|audit", left) == []
    assert "CREATE TABLE public.users" in left


def test_a_bake_inside_a_repository_makes_none_of_its_own(
    template: Path, service: Path, workshop: Path
) -> None:
    monorepo = workshop / "monorepo"
    monorepo.mkdir()
    run("git", "init", "-q", at=monorepo).check_returncode()
    baked = bake(template, monorepo / "services", env=borrowing(service))
    assert baked.returncode == 0, baked.stdout + baked.stderr
    assert not (monorepo / "services" / SLUG / ".git").exists()
    assert run("git", "log", at=monorepo).returncode != 0
