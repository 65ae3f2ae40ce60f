"""Later versions of the template reach projects whole, or the report says what did not and why."""

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from modelmigrate.service.update import next_steps
from tests.conftest import ROOT, SLUG, TREE, run

Finished = subprocess.CompletedProcess[str]
Ground = tuple[Path, Path]  # a template of its own, and a project made from it
NAME = 'Zoë\'s "Shop" & Söhne 😀'
TODAY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
NEXT = "99.0.0"
COMMIT = ("-c", "commit.gpgsign=false", "commit", "-q", "-m", "A step")


def commit(repository: Path) -> None:
    run("git", "add", "-A", at=repository).check_returncode()
    run("git", *COMMIT, at=repository).check_returncode()


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file} has no {old!r} to edit"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def template_command(project: Path, *arguments: str, **env: str) -> Finished:
    """What the Makefile runs; make itself turns every failure into exit code 2."""
    return run(sys.executable, "-m", "modelmigrate", "template", *arguments, at=project, env=env)


def check(project: Path, *arguments: str) -> Finished:
    return template_command(project, "check", *arguments)


def update(project: Path, *arguments: str, **env: str) -> Finished:
    return template_command(project, "update", "--no-check", *arguments, **env)


def contents(project: Path) -> dict[str, bytes]:
    """Every file of the project, ignored ones too, but not git's own."""
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in project.rglob("*")
        if path.is_file() and not {".git", "__pycache__"} & set(path.parts)
    }


def status(project: Path) -> str:
    return run("git", "status", "--porcelain", "--untracked-files=all", at=project).stdout


def section(printed: str, title: str) -> str:
    """What is listed under a verdict, up to the next empty line."""
    return printed.partition(f"\n{title}")[2].partition("\n\n")[0]


def tree(template: Path) -> Path:
    return template / "{{cookiecutter.project_slug}}"


def release(template: Path) -> None:
    """The next version: a file changed here and there, one renamed, one new, one question more."""
    edit(template / "pyproject.toml", f'version = "{TODAY}"', f'version = "{NEXT}"')
    edit(template / "UPGRADING.md", "\n## ", f"\n## {NEXT}\n\nLook at your Makefile.\n\n## ")
    edit(template / "cookiecutter.json", '  "license"', '  "region": "eu-west",\n  "license"')
    edit(tree(template) / "Makefile", "# A menu:", "# The menu:")
    edit(tree(template) / "README.md", "# {{", "# The {{")
    edit(tree(template) / "Dockerfile", "FROM", "# As small as can be.\nFROM")
    edit(tree(template) / ".editorconfig", "root = true", "# Everywhere.\nroot = true")
    edit(tree(template) / "pyproject.toml", '"structlog>=26.1,<27"', '"structlog>=26.1.1,<27"')
    (tree(template) / "compose.yaml").rename(tree(template) / "docker-compose.yaml")
    (tree(template) / "REGION").write_text("{{ cookiecutter.region }}\n", encoding="utf-8")
    commit(template)


@pytest.fixture(scope="session")
def baked(template: Path, workshop: Path) -> Path:
    """A project without set-up, whose answers hold what is hard to spell."""
    answers = json.dumps({"project_name": NAME, "project_slug": SLUG})
    create = ("create", str(template), "--no-input", "--extra-context", answers)
    made = run("cruft", *create, "--output-dir", workshop / "update", at=workshop,
               env={"TEMPLATE_SETUP": "no"})  # fmt: skip
    assert made.returncode == 0, made.stderr
    return workshop / "update" / SLUG


@pytest.fixture(scope="session")
def make_ground(
    template: Path, baked: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Ground]:
    def make(within: str = "") -> Ground:
        folder = tmp_path_factory.mktemp("ground")
        run("git", "clone", "-q", template, folder / "template", at=folder).check_returncode()
        repository = folder / "repository"
        project = repository / within
        shutil.copytree(baked, project)
        tie(project, folder / "template")
        run("git", "init", "-q", "-b", "main", at=repository).check_returncode()
        commit(repository)
        return folder / "template", project

    return make


def tie(project: Path, template: Path, **changes: str) -> None:
    """Let the project remember that template."""
    remembered = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    remembered |= {"template": str(template), "checkout": None} | changes
    (project / ".cruft.json").write_text(json.dumps(remembered, indent=2), encoding="utf-8")


@pytest.fixture
def ground(make_ground: Callable[[], Ground]) -> Ground:
    return make_ground()


def test_nothing_new_is_one_line_and_success(ground: Ground) -> None:
    _, project = ground
    for command in (check, update):
        finished = command(project)
        assert (finished.returncode, finished.stdout) == (0, "up to date with the template\n")
    assert status(project) == ""


def test_a_check_tells_what_an_update_would_bring_and_changes_nothing(ground: Ground) -> None:
    template, project = ground
    release(template)
    before = contents(project)
    finished = check(project)
    assert finished.returncode == 2, finished.stderr
    for told in (
        f"{TODAY} (",
        f"-> {NEXT} (",
        "commits between: 1",
        f"## {NEXT}\n\nLook at your Makefile.",
        'region: "eu-west"',
        "changed  README.md",
        "new      REGION",
        "removed  compose.yaml",
        "make template-update",
    ):
        assert told in finished.stdout
    assert f"## {TODAY}" not in finished.stdout
    assert contents(project) == before


def test_an_untouched_project_takes_everything_in_and_moves_to_the_newest_tag(
    ground: Ground,
) -> None:
    template, project = ground
    run("git", "tag", "v0.1.0", at=template).check_returncode()
    tie(project, template, checkout="v0.1.0")
    commit(project)
    release(template)
    assert run("make", "template-check", at=project).stdout == "up to date with the template\n"
    for tag in ("v0.2.0-rc1", "v0.2.0", "latest"):
        run("git", "tag", tag, at=template).check_returncode()
    before = contents(project)
    finished = run("make", "template-update", "check=no", at=project)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "\n8 updated\n" in finished.stdout
    assert (project / "README.md").read_text(encoding="utf-8").startswith(f"# The {NAME}")
    assert (project / "REGION").read_text(encoding="utf-8") == "eu-west\n"
    remembered = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    assert remembered["checkout"] == "v0.2.0"
    assert run("git", "log", "--oneline", at=project).stdout.count("\n") == 2
    assert run("make", "template-check", at=project).stdout == "up to date with the template\n"
    undo(project, finished)
    assert contents(project) == before
    assert status(project) == ""


def undo(project: Path, finished: Finished) -> None:
    """Type what the update says that undoes it."""
    command = finished.stdout.partition("Undo all of it: ")[2].splitlines()[0]
    subprocess.run(["/bin/sh", "-c", command], cwd=project, check=True, capture_output=True)


@pytest.fixture(scope="session")
def mixed(make_ground: Callable[[], Ground]) -> tuple[Path, Finished, dict[str, bytes]]:
    """A project that its people changed in every way, after one update."""
    template, project = make_ground()
    with (project / "README.md").open("a", encoding="utf-8") as readme:
        readme.write("\nOurs.\n")
    with (project / "compose.yaml").open("a", encoding="utf-8") as compose:
        compose.write("# Ours.\n")
    edit(project / "Makefile", "# A menu:", "# Our menu:")
    (project / "Dockerfile").unlink()
    (project / ".editorconfig").rename(project / "editor.ini")
    edit(project / "pyproject.toml", '"structlog>=26.1,<27"', '"structlog>=26.0,<27"')
    edit(project / "pyproject.toml", '"migrations"]', '"elsewhere"]')
    edit(project / ".dockerignore", "*\n", "# Theirs, which we had.\n*\n")
    with (project / ".dockerignore").open("a", encoding="utf-8") as ignore:
        ignore.write("# Ours.\n")
    (project / "migrations").mkdir(exist_ok=True)
    (project / "migrations" / "1_initial.sql").write_text("SELECT 1;\n", encoding="utf-8")
    (project / ".env").write_text("SECRET=1\n", encoding="utf-8")
    commit(project)
    release(template)
    (tree(template) / "migrations").mkdir(exist_ok=True)
    (tree(template) / "migrations" / "2_theirs.sql").write_text("SELECT 2;\n", encoding="utf-8")
    edit(tree(template) / ".dockerignore", "*\n", "# Theirs, which we had.\n*\n")
    commit(template)
    before = contents(project)
    return project, update(project), before


Mixed = tuple[Path, Finished, dict[str, bytes]]


def test_an_edit_in_another_place_is_kept(mixed: Mixed) -> None:
    project, finished, _ = mixed
    readme = (project / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# The ")
    assert readme.endswith("\nOurs.\n")
    assert "README.md" in section(finished.stdout, "merged with yours")


def test_an_edit_follows_a_file_that_the_template_renamed(mixed: Mixed) -> None:
    project, finished, _ = mixed
    assert (project / "docker-compose.yaml").read_text(encoding="utf-8").endswith("# Ours.\n")
    assert not (project / "compose.yaml").exists()
    assert "docker-compose.yaml" in section(finished.stdout, "merged with yours")


def test_what_the_project_had_already_counts_as_merged(mixed: Mixed) -> None:
    assert ".dockerignore" in section(mixed[1].stdout, "merged with yours")


def test_edits_of_one_line_are_a_conflict_and_a_matter_for_a_person(mixed: Mixed) -> None:
    project, finished, _ = mixed
    assert finished.returncode == 2, finished.stderr
    assert "2 in CONFLICT" in finished.stdout
    assert section(finished.stdout, "in CONFLICT").endswith("\n  Makefile\n  pyproject.toml")
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    assert "# Our menu:" in makefile
    assert "# The menu:" in makefile
    assert "UU Makefile" in status(project)


def test_changes_to_files_that_the_project_deleted_or_renamed_are_shown(mixed: Mixed) -> None:
    dropped = section(mixed[1].stdout, "DROPPED")
    assert "Dockerfile (deleted or renamed in your project)" in dropped
    assert "+# As small as can be." in dropped
    assert ".editorconfig (deleted or renamed in your project)" in dropped
    assert "2 DROPPED" in mixed[1].stdout


def test_new_questions_and_what_the_version_asks_are_told(mixed: Mixed) -> None:
    assert 'region: "eu-west"' in mixed[1].stdout
    assert f"## {NEXT}\n\nLook at your Makefile." in mixed[1].stdout
    remembered = json.loads((mixed[0] / ".cruft.json").read_text(encoding="utf-8"))
    assert remembered["context"]["cookiecutter"]["region"] == "eu-west"
    assert remembered["context"]["cookiecutter"]["project_name"] == NAME


def test_migrations_settings_and_history_stay_the_projects_own(mixed: Mixed) -> None:
    project, _, before = mixed
    after = contents(project)
    assert "migrations/1_initial.sql" in after
    for kept in ("migrations", ".env", "uv.lock"):
        assert {p: after[p] for p in after if p.startswith(kept)} == {
            p: before[p] for p in before if p.startswith(kept)
        }
    assert run("git", "log", "--oneline", at=project).stdout.count("\n") == 2


def test_a_second_update_waits_for_the_first(mixed: Mixed) -> None:
    project = mixed[0]
    before = contents(project)
    again = update(project)
    assert again.returncode == 3
    assert "not finished" in again.stderr
    assert "Makefile" in again.stderr
    assert contents(project) == before


def test_one_command_undoes_it_all(mixed: Mixed, tmp_path: Path) -> None:
    project, finished, before = mixed
    copy = tmp_path / SLUG
    shutil.copytree(project, copy)
    undo(copy, finished)
    assert contents(copy) == before
    assert status(copy) == ""


def test_what_git_cannot_merge_is_told_as_rejected_and_undone_as_well(ground: Ground) -> None:
    template, project = ground
    # Changed before the first commit, so that git never saw what the template made.
    shutil.rmtree(project / ".git")
    edit(project / "Makefile", "# A menu:", "# Our menu:")
    run("git", "init", "-q", at=project).check_returncode()
    commit(project)
    release(template)
    before = contents(project)
    finished = update(project)
    assert finished.returncode == 2, finished.stdout + finished.stderr
    assert section(finished.stdout, "REJECTED").endswith("\n  Makefile")
    assert "+# The menu:" in (project / "Makefile.rej").read_text(encoding="utf-8")
    undo(project, finished)
    assert contents(project) == before
    assert status(project) == ""


def test_a_shallow_clone_of_a_monorepo_is_deepened_before_merging(
    make_ground: Callable[..., Ground], tmp_path: Path
) -> None:
    template, project = make_ground("services/directory")
    edit(project / "README.md", "\n\n", "\n\nOurs, close by.\n\n")
    commit(project)
    release(template)
    monorepo = tmp_path / "monorepo"
    clone = ("clone", "-q", "--depth", "1", project.parents[1].as_uri(), monorepo)
    run("git", *clone, at=tmp_path).check_returncode()
    shallow = monorepo / "services" / "directory"
    before = contents(shallow)
    finished = update(shallow, "--to", "main")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "\n7 updated, 1 merged with yours\n" in finished.stdout
    assert run("git", "rev-parse", "--is-shallow-repository", at=shallow).stdout == "false\n"
    undo(shallow, finished)
    assert contents(shallow) == before
    assert status(shallow) == ""


def test_a_shallow_clone_that_cannot_be_deepened_is_refused(ground: Ground, tmp_path: Path) -> None:
    shallow = tmp_path / SLUG
    edit(ground[1] / "README.md", "\n\n", "\n\nOurs.\n\n")
    commit(ground[1])
    clone = ("clone", "-q", "--depth", "1", ground[1].as_uri(), shallow)
    run("git", *clone, at=tmp_path).check_returncode()
    shutil.rmtree(ground[1])
    refused(shallow, "shallow clone")


def refused(project: Path, *told: str) -> None:
    stopped(project, 3, *told)


def stopped(project: Path, code: int, *told: str, **env: str) -> None:
    """The update ends with this code and these words, without a traceback or a touched file."""
    before, state = contents(project), status(project)
    finished = update(project, **env)
    assert finished.returncode == code, finished.stdout + finished.stderr
    for words in (*told, "Nothing was changed."):
        assert words in finished.stderr
    assert "Traceback" not in finished.stderr
    assert (contents(project), status(project)) == (before, state)


@pytest.mark.parametrize("name", ["README.md", "untracked.txt"])
def test_a_dirty_tree_is_refused(ground: Ground, name: str) -> None:
    (ground[1] / name).write_text("mine", encoding="utf-8")
    refused(ground[1], name, "git stash --include-untracked")


def test_what_the_project_draws_is_no_change_that_an_update_refuses(ground: Ground) -> None:
    _, project = ground
    drawn = project / "docs" / "schema" / "tables" / "users.svg"
    drawn.parent.mkdir(parents=True)
    drawn.write_text("drawn", encoding="utf-8")
    assert status(project) == ""
    assert update(project).returncode == 0
    assert drawn.exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [("README.md.rej", "@@"), ("notes.txt", "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n")],
)
def test_a_half_finished_update_is_refused(ground: Ground, name: str, text: str) -> None:
    (ground[1] / name).write_text(text, encoding="utf-8")
    commit(ground[1]) if name == "notes.txt" else None
    refused(ground[1], name, "not finished")


def test_a_project_outside_git_is_refused(ground: Ground) -> None:
    shutil.rmtree(ground[1] / ".git")
    refused(ground[1], "not in git")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"template": "/nowhere/at/all"}, "cannot be fetched"),
        ({"template": "https://ada:secret@localhost:9/t.git"}, "cannot be fetched"),
        ({"checkout": "v9"}, "has no v9"),
        ({"commit": "0" * 40}, "has no 0000"),
        ({"context": "none"}, "changed by hand"),
    ],
)
def test_what_the_project_remembers_wrongly_is_told(
    ground: Ground, changes: dict[str, str], told: str
) -> None:
    template, project = ground
    tie(project, **({"template": template} | changes))  # type: ignore[arg-type]
    commit(project)
    stopped(project, 1, told)
    assert "secret" not in update(project).stderr


@pytest.mark.parametrize("text", ["{", "[]", '{"template": "x"}', '{"template": 1, "commit": 2}'])
def test_a_cruft_json_broken_by_hand_is_told_with_the_cure(ground: Ground, text: str) -> None:
    (ground[1] / ".cruft.json").write_text(text, encoding="utf-8")
    commit(ground[1])
    stopped(ground[1], 1, ".cruft.json", "git ")


def test_a_project_that_lets_cruft_write_into_its_repository_is_stopped(ground: Ground) -> None:
    edit(ground[1] / "pyproject.toml", 'skip = [".git", ', "skip = [")
    commit(ground[1])
    stopped(ground[1], 1, "[tool.cruft] skip must name .git")


def test_a_missing_cruft_json_is_told(ground: Ground) -> None:
    (ground[1] / ".cruft.json").unlink()
    stopped(ground[1], 1, ".cruft.json", "git ")


@pytest.mark.parametrize("there", [[], ["git"]])
def test_a_missing_program_is_told(ground: Ground, tmp_path: Path, there: list[str]) -> None:
    release(ground[0])
    for name in there:
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    missing = "uv" if there else "git"
    stopped(ground[1], 1, f"{missing} is not installed", PATH=str(tmp_path))


def test_an_answer_that_the_new_version_refuses_is_told(ground: Ground) -> None:
    template, project = ground
    edit(template / "hooks" / "pre_gen_project.py", '"author_name": 80', '"author_name": 3')
    commit(template)
    stopped(project, 1, "author_name has 12 characters: at most 3", ".cruft.json")


def test_an_update_that_cruft_loses_whole_is_an_error_and_leaves_no_trace(
    ground: Ground,
) -> None:
    template, project = ground
    release(template)
    edit(tree(template) / "README.md", "\n\n", "\n\nA blank at the end, \n\n")
    commit(template)
    run("git", "config", "apply.whitespace", "error", at=project).check_returncode()
    stopped(project, 1, "cruft applied nothing", "whitespace errors")


def test_a_branch_is_followed_wherever_the_default_branch_goes(ground: Ground) -> None:
    template, project = ground
    run("git", "branch", "stable", at=template).check_returncode()
    release(template)
    tie(project, template, checkout="stable")
    assert check(project).stdout == "up to date with the template\n"


def hash_of(template: Path) -> str:
    return run("git", "rev-parse", "HEAD", at=template).stdout.strip()


@pytest.mark.parametrize("length", [40, 8])
def test_a_project_that_is_pinned_to_a_commit_is_told_what_is_newer_and_how_to_move(
    ground: Ground, length: int
) -> None:
    template, project = ground
    pinned = hash_of(template)
    tie(project, template, checkout=pinned[:length])
    commit(project)
    upto = check(project)
    assert (upto.returncode, upto.stdout) == (
        0,
        f"pinned at {pinned} by .cruft.json\nup to date with the template\n",
    )
    release(template)
    for command in (check, update):
        finished = command(project)
        assert finished.returncode == 2, finished.stderr
        assert f"pinned at {pinned}" in finished.stdout
        assert "commits on main since: 1. Nothing was changed." in finished.stdout
        assert "make template-update to=main" in finished.stdout
    run("git", "tag", "v0.9.0", at=template).check_returncode()
    assert "since: 1, newest tag: v0.9.0." in check(project).stdout
    assert "make template-update to=v0.9.0" in check(project).stdout
    assert status(project) == ""
    moved = run("make", "template-update", "to=v0.9.0", "check=no", at=project)
    assert moved.returncode == 0, moved.stdout + moved.stderr
    remembered = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    assert (remembered["checkout"], remembered["commit"]) == ("v0.9.0", hash_of(template))


def test_a_branch_whose_name_looks_like_a_commit_is_followed(ground: Ground) -> None:
    template, project = ground
    run("git", "checkout", "-q", "-b", "cafe", at=template).check_returncode()
    tie(project, template, checkout="cafe")
    commit(project)
    release(template)
    assert "there is a later template" in check(project).stdout


def test_a_pin_to_another_commit_than_the_project_has_is_an_update(ground: Ground) -> None:
    template, project = ground
    release(template)
    tie(project, template, checkout=hash_of(template))
    commit(project)
    assert "there is a later template" in check(project).stdout


def test_a_new_file_of_the_template_that_does_not_arrive_is_called_new(ground: Ground) -> None:
    template, project = ground
    shutil.rmtree(project / "docs")
    (project / "scripts").write_text("a file of ours\n", encoding="utf-8")
    (project / "src" / "domain").rename(project / "src" / "core")
    commit(project)
    for name in (
        "docs/new.md",
        "docs/deep/empty.md",
        "scripts/run.sh",
        "src/domain/new.py",
        "new/n.md",
    ):
        file = tree(template) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("" if "empty" in name else "new\n", encoding="utf-8")
    edit(tree(template) / "docs" / "objects.md", "# ", "# The ")
    commit(template)
    finished = update(project)
    assert finished.returncode == 2, finished.stdout + finished.stderr
    dropped = section(finished.stdout, "DROPPED")
    gone = "was deleted or renamed in your project)"
    for told in (
        f"docs/new.md (new in the template; its folder docs {gone}",
        f"docs/deep/empty.md (new in the template; its folder docs {gone}",
        f"src/domain/new.py (new in the template; its folder src/domain {gone}",
        "scripts/run.sh (new in the template; scripts is no folder in your project)",
        "docs/objects.md (deleted or renamed in your project)",
    ):
        assert told in dropped
    assert (project / "new" / "n.md").exists()


@pytest.mark.parametrize(
    ("changed", "asks"),
    [
        ("src/domain/models/user.py", True),
        ("src/infrastructure/persistence/sql/views/team_sizes.sql", True),
        ("load_models.py", True),
        ("src/infrastructure/persistence/repositories.py", False),
    ],
)
def test_what_adds_to_the_schema_asks_for_a_migration(
    changed: str, asks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("atlas.hcl", "Makefile"):
        shutil.copy(TREE / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    migration = ["make migrate-create m=template_update"] if asks else []
    assert next_steps([changed], checked=True) == [*migration, "make check"]
    (tmp_path / "uv.lock").touch()
    lock = "uv lock --quiet -P modelmigrate"
    assert next_steps([changed], checked=False) == [lock, *migration]


@pytest.mark.long
def test_a_changed_model_gets_its_migration_and_the_check_stays_green(
    template: Path, fork: Path, workshop: Path
) -> None:
    newer = workshop / "newer-template"
    run("git", "clone", "-q", template, newer, at=workshop).check_returncode()
    tie(fork, newer)
    commit(fork)
    [first] = (fork / "migrations").glob("*.sql")
    initial = first.read_bytes()
    edit(
        tree(newer) / "src/domain/models/user.py",
        "    email: Mapped[str] = mapped_column(String(255))\n",
        "    email: Mapped[str] = mapped_column(String(255))\n"
        "    nickname: Mapped[str | None] = mapped_column(String(50), default=None)\n",
    )
    edit(
        tree(newer) / "pyproject.toml",
        '"structlog>=26.1,<27"',
        '"structlog>=26.1,<27",\n    "idna"',
    )
    commit(newer)
    # The rest of the service's tests is proven elsewhere, and no faster here.
    finished = run("make", "template-update", at=fork, env={"PYTEST_ADDOPTS": "--ignore=tests/api"})
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert first.read_bytes() == initial
    [second] = (fork / "migrations").glob("*_template_update.sql")
    statements = [
        line
        for line in second.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("--")
    ]
    assert len(statements) == 1
    assert statements[0].startswith('ALTER TABLE "users" ADD COLUMN "nickname"')
    assert statements[0] in finished.stdout
    assert "passed in" in finished.stdout
    assert '{ name = "idna" }' in (fork / "uv.lock").read_text(encoding="utf-8")
