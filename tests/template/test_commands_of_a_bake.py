"""The schema commands of a baked service, typed as a user types them."""

import re
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from modelmigrate.atlas.commands import hide_passwords
from modelmigrate.migrations.files import file_name
from tests.conftest import path_without, run

USER = Path("src/domain/models/user.py")


def make(project: Path, *arguments: str) -> tuple[int, str, str]:
    """The exit code that the command behind the target gave, and what it printed."""
    done = run("make", *arguments, at=project)
    failed = re.search(r"Error (\d+)", done.stderr)
    return int(failed[1]) if failed else done.returncode, done.stdout, done.stderr


def check(project: Path) -> subprocess.CompletedProcess[str]:
    return run("uv", "run", "--quiet", "modelmigrate", "check", at=project)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def migrations(project: Path) -> list[str]:
    return sorted(file.name.partition("_")[2] for file in (project / "migrations").glob("*.sql"))


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("add user bio", "add_user_bio"),
        ('Add the user\'s "bio"', "add_the_user_s_bio"),
        ("../../etc/passwd", "etc_passwd"),
        ("; rm -rf . #", "rm_rf"),
        ("añadir biografía", "anadir_biografia"),
    ],
)
def test_a_message_becomes_a_plain_file_name(message: str, name: str) -> None:
    assert file_name(message) == name


@pytest.mark.parametrize("arguments", [[], ["m="], ["m=   "], ["m=漢字"], ["m=" + "x" * 101]])
def test_a_message_that_names_nothing_is_refused(service: Path, arguments: list[str]) -> None:
    code, _, said = make(service, "migrate-create", *arguments)
    assert code == 1
    assert 'make migrate-create m="add user bio"' in said
    assert migrations(service) == ["initial.sql"]


def test_a_changed_model_is_found_planned_applied_and_then_agrees(fork: Path) -> None:
    edit(fork / USER, "    email: ", "    bio: Mapped[str | None]\n    email: ")
    checked = check(fork)
    assert (checked.returncode, migrations(fork)) == (2, ["initial.sql"])
    assert 'ADD COLUMN "bio"' in checked.stderr

    code, printed, _ = make(fork, "migrate-create", "m=add the user's bio")
    assert code == 0
    assert 'ALTER TABLE "users" ADD COLUMN "bio" character varying NULL;' in printed
    assert migrations(fork) == ["add_the_user_s_bio.sql", "initial.sql"]

    assert "pending   2" in make(fork, "migrate-status")[1]
    assert make(fork, "migrate")[0] == 0
    assert "pending   0" in make(fork, "migrate-status")[1]
    assert check(fork).returncode == 0
    assert "\n    bio character varying" in make(fork, "schema-inspect")[1]
    assert "atlas_schema_revisions" not in make(fork, "schema-inspect")[1]


def test_models_that_cannot_be_read_are_named_and_nothing_is_written(fork: Path) -> None:
    (fork / "src/domain/models/broken.py").write_text("import no_such_module\n", encoding="utf-8")
    code, _, said = make(fork, "migrate-create", "m=anything")
    assert code == 1
    assert "broken.py" in said
    assert "Traceback" not in said
    assert migrations(fork) == ["initial.sql"]


def test_a_modified_migration_is_a_history_mismatch_until_it_is_accepted(fork: Path) -> None:
    [file] = (fork / "migrations").glob("*.sql")
    file.write_text(file.read_text(encoding="utf-8") + "-- a comment\n", encoding="utf-8")
    for target in ("migrate-validate", "migrate", "migrate-create m=x"):
        code, _, said = make(fork, *target.split())
        assert code == 4, said
        assert "make migrate-hash" in said
    assert make(fork, "migrate-hash")[0] == 0
    assert make(fork, "migrate-validate")[0] == 0


def test_sql_that_does_not_run_is_found_by_replaying(fork: Path) -> None:
    [file] = (fork / "migrations").glob("*.sql")
    file.write_text("CREATE TABLE broken (id no_such_type);\n", encoding="utf-8")
    make(fork, "migrate-hash")
    code, _, said = make(fork, "migrate-validate")
    assert code == 1
    assert "no_such_type" in said


def test_without_migrations_every_command_says_how_to_make_the_first(fork: Path) -> None:
    shutil.rmtree(fork / "migrations")
    for target in ("migrate", "migrate-status", "migrate-validate", "migrate-hash"):
        code, _, said = make(fork, target)
        assert code == 1
        assert "make migrate-create m=initial" in said
    assert check(fork).returncode == 2
    assert make(fork, "migrate-create", "m=initial")[0] == 0
    assert check(fork).returncode == 0


def test_a_database_that_cannot_be_reached_is_told_without_its_password(fork: Path) -> None:
    (fork / ".env").write_text("DATABASE_URL=postgresql://ada:s3cret@127.0.0.1:1/shop\n")
    for target in ("migrate", "migrate-status", "schema-inspect", "migrate-validate", "seed"):
        code, printed, said = make(fork, target)
        assert code == 1
        assert "DATABASE_URL" in said
        assert "s3cret" not in printed + said
        assert "Traceback" not in said


def test_passwords_are_hidden_in_both_spellings() -> None:
    said = "cannot connect: s3cr%40t, that is s3cr@t"
    shown = hide_passwords(said, {"URL": "postgresql://ada:s3cr%40t@db/shop"})
    assert shown == "cannot connect: ****, that is ****"


def test_the_database_is_started_named_and_stopped(fork: Path) -> None:
    code, url, _ = make(fork, "db-url")
    assert (code, url.startswith("postgresql://")) == (0, True)
    assert re.match(r"PostgreSQL 18\S+ is up, from ", make(fork, "db-start")[1])
    assert "stopped the dev server" in make(fork, "db-stop")[1]
    assert make(fork, "db-stop")[1].strip() == "nothing was running for this project"


def test_atlas_by_hand_reads_the_models_and_lints_by_the_rules_of_atlas_hcl(fork: Path) -> None:
    atlas = make(fork, "atlas")[1].strip()
    url = make(fork, "db-url")[1].strip()

    def environment(name: str) -> dict[str, str]:
        """With a new dev database: Atlas leaves functions behind in the one that it used."""
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        dev = url.replace("/team_directory?", f"/{name}?")
        with psycopg.connect(dev, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_trgm")
        dev = dev.replace("?", "?search_path=public&")
        return {"ATLAS_DEV_URL": dev, "ATLAS_NO_UPDATE_NOTIFIER": "1"}

    edit(fork / USER, "    username: Mapped[str] = mapped_column(String(100), unique=True)\n", "")
    diff = (atlas, "migrate", "diff", "by_hand", "--env", "sqlalchemy")
    planned = run(*diff, at=fork, env=environment("by_hand"))
    assert planned.returncode == 0, planned.stderr
    assert migrations(fork) == ["by_hand.sql", "initial.sql"]

    lint = (atlas, "migrate", "lint", "--env", "sqlalchemy", "--latest", "1")
    linted = run(*lint, at=fork, env=environment("linted"))
    assert linted.returncode == 1
    assert "destructive changes detected" in linted.stdout


def test_examples_are_added_to_a_migrated_database_once_and_in_development_alone(
    fork: Path,
) -> None:
    code, printed, said = make(fork, "seed")
    assert (code, printed) == (1, "")
    assert said.startswith("error: The database has no readable record of migrations")
    assert "Nothing was added. Type: make migrate\n" in said

    assert make(fork, "migrate")[0] == 0
    elsewhere = {"ENVIRONMENT": "staging", "OIDC_ISSUER": "https://id", "OIDC_AUDIENCE": "us"}
    refused = run("make", "seed", at=fork, env=elsewhere)
    assert refused.stderr.startswith("error: ENVIRONMENT is staging: ")
    added = "added grace, alan, barbara, edsger, Compilers, Algorithms\n"
    assert make(fork, "seed") == (0, added, "")
    assert make(fork, "seed") == (0, "nothing to add: users and teams are there\n", "")


def test_the_doctor_finds_nothing_on_a_fresh_project(service: Path) -> None:
    code, printed, _ = make(service, "doctor")
    assert code == 0
    assert "FIX" not in printed
    assert re.search(r"^ok +atlas +atlas version \S+, from ", printed, re.MULTILINE)
    assert re.search(r"^ok +postgres +18\.", printed, re.MULTILINE)


def test_the_doctor_names_what_is_broken_and_its_cure(fork: Path) -> None:
    (fork / ".env").unlink()
    for file in (fork / "migrations").glob("*.sql"):
        file.unlink()
    code, _, said = make(fork, "doctor")
    assert code == 1
    assert "2 of 10 checks failed" in said
    for fix in ("there is no .env: make setup", "there is none yet: make setup"):
        assert fix in said


def test_make_alone_lists_every_target_with_its_purpose(service: Path) -> None:
    makefile = (service / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"\.PHONY: ((?:.*\\\n)*.*)", makefile)
    assert phony
    listed = re.findall(r"^  make (\S+) +\S", make(service)[1], re.MULTILINE)
    assert set(listed) == set(phony[1].replace("\\", "").split())


def test_without_uv_every_target_says_how_to_get_it(service: Path, tmp_path: Path) -> None:
    done = run("make", "migrate", at=service, env=path_without(tmp_path, "uv", "uvx"))
    assert done.returncode != 0
    assert "Install it: pip install uv" in done.stderr
