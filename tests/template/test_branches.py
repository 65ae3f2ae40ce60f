"""Branches that both add migrations, in real repositories: found before they meet, and resolved."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from modelmigrate.branches import changed_tables, new_names, require_only_additions
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.branch import BranchComparison
from tests.conftest import SLUG, copy_data, path_without, run, stop_servers

INITIAL = "20200101000000_initial.sql"
BIO = "20210101000000_add_bio.sql"
LIKES = "20210101000001_add_likes.sql"
MOTTO = "20220101000000_add_motto.sql"  # the one of base
MODELS = {"users": ("user.py", "    email: "), "teams": ("team.py", "    name: ")}
MARKER = re.compile(r"^(<<<<<<< |=======$|>>>>>>> ).*\n", re.MULTILINE)
NOBODY = "postgresql://ada:s3cret@127.0.0.1:1/shop"


class Repository(NamedTuple):
    """A baked service in git."""

    folder: Path
    atlas: str = "atlas"

    @property
    def migrations(self) -> Path:
        return self.folder / "migrations"

    def git(self, *arguments: str, fails: bool = False) -> str:
        done = run("git", *arguments, at=self.folder, env={"GIT_EDITOR": "true"})
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout

    def schema(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """The exit code of a schema command, and all that it said."""
        python = self.folder / ".venv/bin/python"
        done = run(python, "-m", "modelmigrate", *arguments, at=self.folder, env=environment)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    def check(self, base: str = "main", **environment: str) -> tuple[int, str]:
        return self.schema("branch", "check", "--base", base, **environment)

    def rebase(self, base: str = "main", **environment: str) -> tuple[int, str]:
        return self.schema("branch", "rebase", "--base", base, **environment)

    def names(self) -> list[str]:
        """The migrations, each of which has its own down file."""
        names = sorted(file.name for file in self.migrations.glob("*.sql"))
        backs = {file.name: file.read_text() for file in (self.migrations / "down").glob("*.sql")}
        assert sorted(backs) == names
        for name in names:
            assert name.removesuffix(".sql").rpartition("_")[2] in backs[name]
        return names

    def content(self) -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in self.migrations.rglob("*") if file.is_file()}

    def add(self, name: str, table: str = "users") -> None:
        """Commit a migration that adds a column, and that column to the model."""
        column = name.removesuffix(".sql").rpartition("_")[2]
        alter = f'ALTER TABLE "{table}"'
        (self.migrations / name).write_text(f'{alter} ADD COLUMN "{column}" character varying;\n')
        (self.migrations / "down" / name).write_text(f'{alter} DROP COLUMN "{column}";\n')
        file, anchor = MODELS[table]
        model = self.folder / "src/domain/models" / file
        text = model.read_text()
        assert anchor in text
        model.write_text(text.replace(anchor, f"    {column}: Mapped[str | None]\n{anchor}", 1))
        self.commit(name)

    def commit(self, message: str) -> None:
        self.hash()
        self.git("add", "--all")
        self.git("commit", "-q", "-m", message)

    def hash(self) -> None:
        hashing = (self.atlas, "migrate", "hash", "--env", "local")
        run(*hashing, at=self.folder, env={"ATLAS_NO_UPDATE_NOTIFIER": "1"}).check_returncode()

    def go_on(self, *command: str, fails: bool = False) -> None:
        self.git("add", "--all", "migrations")
        self.git(*command, fails=fails)


@pytest.fixture(scope="session")
def project(service: Path, workshop: Path) -> Iterator[Repository]:
    """A service whose only migration is so old that others can come before today."""
    folder = workshop / "team" / SLUG
    shutil.copytree(service, folder, ignore=shutil.ignore_patterns(".venv", ".postgres"))
    copy_data(workshop / "servers", folder / ".postgres")
    run("uv", "sync", "--locked", "--quiet", at=folder).check_returncode()
    repository = Repository(folder, run("make", "atlas", at=folder).stdout.strip())
    [initial] = repository.migrations.glob("*.sql")
    back = repository.migrations / "down" / INITIAL
    back.parent.mkdir(exist_ok=True)
    back.write_text("-- irreversible: the initial one\n")
    back.with_name(initial.name).unlink(missing_ok=True)
    initial.rename(initial.with_name(INITIAL))
    repository.commit("start")
    repository.git("tag", "start")
    yield repository
    stop_servers(folder)


@pytest.fixture
def repository(project: Repository) -> Repository:
    """On a new branch `mine`, which parted from `main` at the start."""
    for started in ("merge", "rebase"):
        run("git", started, "--abort", at=project.folder)
    run("git", "update-ref", "-d", "refs/remotes/origin/main", at=project.folder)
    run("git", "remote", "remove", "origin", at=project.folder)
    project.git("checkout", "-qf", "-B", "main", "start")
    project.git("clean", "-fdq")
    project.git("checkout", "-q", "-B", "mine")
    return project


@pytest.fixture
def diverged(repository: Repository) -> Repository:
    """`mine` adds a column to users, `main` a later one to teams."""
    repository.git("checkout", "-q", "main")
    repository.add(MOTTO, "teams")
    repository.git("checkout", "-q", "mine")
    repository.add(BIO)
    return repository


def renamed(said: str, old: str) -> str:
    """What a file became, by what was printed; its version is the time of now."""
    found = re.search(rf"^ *{old} -> (\S+)$", said, re.MULTILINE)
    assert found, said
    assert found[1].partition("_")[2] == old.partition("_")[2]
    stamp = datetime.strptime(found[1][:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - stamp).total_seconds()) < 120
    return found[1]


def test_a_merge_in_conflict_is_resolved_and_a_second_run_changes_nothing(
    diverged: Repository,
) -> None:
    diverged.git("merge", "main", fails=True)
    assert diverged.git("diff", "--name-only", "--diff-filter=U") == "migrations/atlas.sum\n"
    code, said = diverged.check()
    assert code == 4
    assert f"not newer than {MOTTO}, which main has:\n  {BIO}" in said
    assert "make migrate-rebase base=main" in said

    code, said = diverged.rebase()
    assert code == 0, said
    assert diverged.names() == [INITIAL, MOTTO, renamed(said, BIO)]
    diverged.go_on("merge", "--continue")
    assert diverged.git("status", "--porcelain") == ""

    code, said = diverged.rebase()
    assert (code, "nothing to rename" in said) == (0, True), said
    assert diverged.git("status", "--porcelain") == ""


def test_files_in_good_order_only_need_a_new_sum(repository: Repository) -> None:
    repository.add(MOTTO, "teams")
    repository.git("checkout", "-q", "main")
    repository.add(BIO)
    repository.git("checkout", "-q", "mine")
    repository.git("merge", "main", fails=True)
    code, said = repository.check()
    assert (code, "atlas.sum is in conflict" in said) == (4, True)
    code, said = repository.rebase()
    assert (code, "nothing to rename" in said) == (0, True), said
    assert repository.names() == [INITIAL, BIO, MOTTO]


def test_a_git_rebase_that_stops_twice_keeps_the_order(diverged: Repository) -> None:
    diverged.add(LIKES)
    diverged.git("rebase", "main", fails=True)
    bio = renamed(diverged.rebase()[1], BIO)
    diverged.go_on("rebase", "--continue", fails=True)
    code, said = diverged.rebase()
    assert code == 0, said
    likes = renamed(said, LIKES)
    assert bio < likes
    diverged.go_on("rebase", "--continue")
    assert diverged.names() == [INITIAL, MOTTO, bio, likes]
    assert diverged.git("status", "--porcelain") == ""


def test_before_merging_new_names_are_given_and_what_is_not_here_is_said(
    diverged: Repository,
) -> None:
    diverged.git("update-ref", "refs/remotes/origin/main", "main")
    diverged.add(LIKES)
    before = diverged.content()
    code, said = diverged.schema("branch", "check")
    assert (code, BIO in said, LIKES in said) == (4, True, True)
    assert "make migrate-rebase base=origin/main" in said
    assert diverged.content() == before

    code, said = diverged.rebase(base="")
    assert code == 0, said
    assert diverged.names() == [INITIAL, renamed(said, BIO), renamed(said, LIKES)]
    assert "origin/main has 1 migration(s) that this branch does not have" in said


@pytest.mark.parametrize("change", ["edited", "deleted", "renamed"])
def test_a_migration_of_base_that_is_changed_here_is_refused(
    diverged: Repository, change: str
) -> None:
    file = diverged.migrations / INITIAL
    if change == "edited":
        file.write_text(f"{file.read_text()}-- a comment\n")
    elif change == "deleted":
        file.unlink()
    else:
        file.rename(file.with_name("20200101000001_initial.sql"))
    before = diverged.content()
    for command in (diverged.check, diverged.rebase):
        code, said = command()
        assert code == 4
        assert f"{INITIAL}: {'edited' if change == 'edited' else 'deleted or renamed'}" in said
        assert "git restore --source=main -- migrations/NAME" in said
    assert diverged.content() == before
    diverged.git("restore", "--source=main", "--", f"migrations/{INITIAL}")
    assert f"{INITIAL}: " not in diverged.check()[1]


@pytest.mark.parametrize(
    ("what", "parted", "theirs", "here", "blamed"),
    [
        ("new on both", {"1": "a"}, {"1": "a", "2": "b"}, {"1": "a", "3": "c"}, False),
        ("base's edit, not here yet", {"1": "a"}, {"1": "b"}, {"1": "a"}, False),
        ("base's edit, merged", {"1": "a"}, {"1": "b"}, {"1": "b"}, False),
        ("base's deletion, not here yet", {"1": "a"}, {}, {"1": "a"}, False),
        ("base's deletion, merged", {"1": "a"}, {}, {}, False),
        ("another edit than base's", {"1": "a"}, {"1": "b"}, {"1": "c"}, True),
        ("base's new file, edited", {}, {"1": "a"}, {"1": "b"}, True),
    ],
)
def test_only_changes_of_this_branch_are_held_against_it(
    what: str, parted: dict[str, str], theirs: dict[str, str], here: dict[str, str], blamed: bool
) -> None:
    fork = BranchComparison("main", parted, theirs, parted, here)
    if blamed:
        with pytest.raises(MigrateError, match="1: edited") as refused:
            require_only_additions(fork)
        assert refused.value.code == Exit.HISTORY_MISMATCH
    else:
        require_only_additions(fork)


def test_new_versions_come_after_those_of_base_even_when_base_is_ahead_of_the_clock() -> None:
    base = {"20991231235959_x.sql": ""}
    here = {"20200101000000_b.sql": "", "20200101000001_a.sql": "", "21990101000000_c.sql": ""}
    assert new_names(BranchComparison("main", {}, base, here, base | here)) == {
        "20200101000000_b.sql": "21000101000000_b.sql",
        "20200101000001_a.sql": "21000101000001_a.sql",
    }


def test_the_same_column_from_both_is_found_by_replaying(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    repository.add("20220101000000_add_bio.sql")
    repository.git("checkout", "-q", "mine")
    repository.add(BIO)
    repository.git("merge", "main", fails=True)
    code, said = repository.rebase()
    assert code == 1
    assert 'column "bio" of relation "users" already exists' in said
    assert "If both branches make the same change, remove it from this branch's file" in said
    assert renamed(said, BIO) in repository.names()


def test_two_files_that_change_one_table_are_a_note(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    repository.add(BIO)
    repository.git("checkout", "-q", "mine")
    repository.add(LIKES)
    code, said = repository.check()
    assert code == 0, said
    assert f"note: {LIKES}, and {BIO} of main, change users" in said


def test_models_in_conflict_are_named_and_can_be_resolved_afterwards(
    repository: Repository,
) -> None:
    repository.git("checkout", "-q", "main")
    repository.add(MOTTO)
    repository.git("checkout", "-q", "mine")
    repository.add(BIO)
    repository.git("merge", "main", fails=True)
    code, said = repository.rebase()
    assert (code, "user.py" in said) == (1, True), said
    names = [INITIAL, MOTTO, renamed(said, BIO)]
    model = repository.folder / "src/domain/models/user.py"
    model.write_text(MARKER.sub("", model.read_text()))
    code, said = repository.rebase()
    assert code == 0, said
    assert repository.names() == names


def test_models_that_say_more_than_the_files_are_found(repository: Repository) -> None:
    repository.add(BIO)
    (repository.migrations / BIO).write_text("SELECT 1;\n")
    (repository.migrations / "down" / BIO).unlink()
    assert repository.check()[0] == 4
    repository.hash()
    code, said = repository.check()
    assert (code, 'ADD COLUMN "bio"' in said) == (2, True), said


def test_applied_files_keep_their_names_until_rolled_back(diverged: Repository) -> None:
    local = diverged.schema("db", "url")[1].strip()
    assert diverged.schema("apply")[0] == 0
    diverged.git("merge", "main", fails=True)
    before = diverged.content()
    code, said = diverged.rebase(STAGING_DATABASE_URL=local, DOWN_DATABASE_URL=NOBODY)
    assert code == 3
    assert "local (database team_directory on" in said
    assert "make migrate-downgrade n=1\n" in said
    assert "make migrate-downgrade n=1 env=staging\n" in said
    assert diverged.content() == before

    diverged.git("merge", "--abort")
    code, said = diverged.schema("down", "--steps", "1")
    assert code == 0, said
    diverged.git("merge", "main", fails=True)
    code, said = diverged.rebase(DOWN_DATABASE_URL=NOBODY)
    assert (code, "note: down was not checked. " in said, "s3cret" in said) == (0, True, False)
    renamed(said, BIO)


def test_a_failure_in_the_middle_is_undone(diverged: Repository) -> None:
    diverged.git("merge", "main", fails=True)
    before = diverged.content()
    (diverged.migrations / "atlas.sum.new").mkdir()
    code, said = diverged.rebase()
    assert (code, "atlas.sum cannot be written" in said) == (1, True)
    assert diverged.content() == before


def test_a_base_that_git_cannot_tell_is_named_with_its_cure(
    diverged: Repository, workshop: Path, tmp_path: Path
) -> None:
    def says(at: Repository, base: str, expected: str, **environment: str) -> None:
        code, said = at.check(base, **environment)
        assert (code, expected in said, "Nothing was changed" in said) == (1, True, True), said

    add = "git remote add origin URL && git fetch origin\nOr compare with a branch that is here: base=main"
    says(diverged, "origin/main", f"it has no remote origin. Nothing was changed.\nAdd it: {add}")
    diverged.git("remote", "add", "origin", diverged.folder.as_uri())
    says(diverged, "origin/next", "git fetch origin next:refs/remotes/origin/next")
    says(diverged, "next", "git fetch origin next:refs/remotes/origin/next")
    says(diverged, "main", "git is not installed", **path_without(tmp_path, "git"))

    shallow = Repository(workshop / "shallow" / SLUG)
    clone = ("git", "clone", "-q", "--depth=1", "--no-single-branch")
    run(*clone, f"file://{diverged.folder}", shallow.folder, at=workshop).check_returncode()
    (shallow.folder / ".venv").symlink_to(diverged.folder / ".venv")
    says(shallow, "origin/main", "git fetch --unshallow")
    shutil.rmtree(shallow.folder / ".git")
    says(shallow, "origin/main", "Without a repository there is no origin/main")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ALTER TABLE "users" ADD COLUMN "bio" text;', {"users"}),
        ('CREATE TABLE IF NOT EXISTS "public"."a" (b int REFERENCES x ON DELETE CASCADE);', {"a"}),
        ('CREATE UNIQUE INDEX CONCURRENTLY "i" ON "users" ((lower(email)));', {"users"}),
        ("CREATE TRIGGER t BEFORE UPDATE ON users EXECUTE FUNCTION f();", {"users"}),
        ("-- UPDATE x\nUPDATE a SET b = 1;\nDELETE FROM ONLY b;", {"a", "b"}),
        ("INSERT INTO a SELECT 1 FROM x FOR UPDATE;", {"a"}),
        ("ALTER TABLE b ADD FOREIGN KEY (x) REFERENCES c ON UPDATE CASCADE;", {"b"}),
        ("CREATE EXTENSION citext;\nDROP VIEW v;", set()),
    ],
)
def test_the_tables_that_a_file_changes_are_known(text: str, expected: set[str]) -> None:
    assert changed_tables(text) == expected
