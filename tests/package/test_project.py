"""Where the project is, what its settings are, and how its commands are typed."""

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from modelmigrate import project
from modelmigrate.cli import main
from modelmigrate.errors import MigrateError
from tests.conftest import TREE

PASSWORD = "s3cr3t"  # noqa: S105


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A working directory in no project; what a command takes from a .env is forgotten again."""
    monkeypatch.chdir(tmp_path)
    with patch.dict(os.environ):
        os.environ.pop("MODELMIGRATE_PROJECT", None)
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project_at(tmp_path / "service")


def project_at(folder: Path, settings: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(f"[tool.modelmigrate]\n{settings}\n", encoding="utf-8")
    return folder


def fails(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The message of a command that ends with exit code 1."""
    code = main([str(each) for each in arguments])
    out, err = capsys.readouterr()
    assert (code, out) == (1, "")
    assert "Traceback" not in err
    return err


# --- where the project is ---


@pytest.mark.parametrize("file", ["atlas.hcl", "pyproject.toml"])
def test_the_project_is_found_from_a_folder_below_it(
    tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "service" / "src" / "domain"
    below.mkdir(parents=True)
    (tmp_path / "service" / file).write_text("" if file == "atlas.hcl" else "[tool.modelmigrate]")
    for place in (tmp_path / "service", below):
        monkeypatch.chdir(place)
        assert project.root() == tmp_path / "service"


def test_the_nearest_of_two_projects_is_meant(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = project_at(folder / "packages" / "inner")
    monkeypatch.chdir(inner)
    assert project.root() == inner


def test_a_pyproject_of_something_else_is_passed_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = folder / "library"
    library.mkdir()
    (library / "pyproject.toml").write_text('[project]\nname = "library"\n')
    monkeypatch.chdir(library)
    assert project.root() == folder


def test_the_folder_of_the_environment_wins_over_the_working_directory(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    other = project_at(tmp_path / "other")
    for named in (str(other), "../other"):
        monkeypatch.setenv("MODELMIGRATE_PROJECT", named)
        assert project.root() == other


def test_the_option_wins_over_the_environment_and_the_working_directory(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MODELMIGRATE_PROJECT", str(project_at(tmp_path / "other")))
    (project_at(tmp_path / "third") / "Makefile").write_text("modelmigrate")
    assert "modelmigrate create" in fails(capsys, "lint")
    assert "make migrate-create" in fails(capsys, "--project", "../third", "lint")


def test_a_home_folder_may_be_named_by_its_tilde(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "there is no migration yet" in fails(capsys, "--project=~/service", "lint")


@pytest.mark.parametrize("named", ["", "elsewhere"])
def test_a_named_folder_that_is_no_project_is_an_error_that_names_it(
    folder: Path,
    tmp_path: Path,
    named: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    wrong = tmp_path / named
    by_option = fails(capsys, "--project", wrong, "status")
    monkeypatch.setenv("MODELMIGRATE_PROJECT", str(wrong))
    by_environment = fails(capsys, "status")
    for message in (by_option, by_environment):
        assert message.startswith(f"error: {wrong}, ")
        assert "--project" in message
        assert "MODELMIGRATE_PROJECT" in message


@pytest.mark.parametrize(
    "command",
    [
        *("status", "apply", "down", "validate", "lint", "hash", "check", "baseline", "drift"),
        *("declare", "inspect", "viz", "create new", "db start", "db stop", "db url"),
        *("branch check", "branch rebase", "template check", "template update"),
    ],
)
def test_outside_a_project_a_command_names_the_folder_it_looked_in_and_the_option(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    message = fails(capsys, *command.split())
    assert f"there is no project in {tmp_path} or above" in message
    assert "--project FOLDER" in message
    assert "Nothing was done." in message


@pytest.mark.parametrize("options", [[], ["--project", "service"], ["--project", "/"]])
def test_a_working_directory_that_was_deleted_is_an_error(
    tmp_path: Path,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    message = fails(capsys, *options, "status")
    assert message == "error: the working directory was deleted. Nothing was done.\n"


# --- settings ---


@pytest.mark.parametrize("content", [b"[tool.modelmigrate", b"name = '\xff'"])
def test_a_pyproject_that_is_no_toml_is_an_error_that_names_it(
    folder: Path,
    content: bytes,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / "pyproject.toml").write_bytes(content)
    monkeypatch.chdir(folder)
    message = fails(capsys, "status")
    assert message.startswith(f"error: {folder / 'pyproject.toml'} cannot be read: ")
    assert "Nothing was done." in message


def test_without_settings_the_defaults_are_those_of_a_service_in_use(folder: Path) -> None:
    assert project.settings(folder) == project.Settings()
    assert project.settings(folder).models == "domain.models:Base"


def test_every_setting_may_be_given(folder: Path) -> None:
    project_at(
        folder,
        "lock-timeout = 0.5\nstatement-timeout = 30\nwait = 0\nattempts = 1\n"
        'ignore = ["ACL *"]\nmodels = "models:Base"\nsource = "."\nidle-timeout = 0',
    )
    assert project.settings(folder) == project.Settings(
        lock_timeout=0.5,
        statement_timeout=30,
        wait=0,
        attempts=1,
        ignore=("ACL *",),
        models="models:Base",
        source=".",
        idle_timeout=0,
    )


@pytest.mark.parametrize(
    "setting",
    [
        "lock_timeout = 5",
        "unknown = 1",
        'wait = "60"',
        "wait = true",
        'lock-timeout = "5s"',
        "attempts = 1.5",
        "attempts = 0",
        "wait = -1",
        "ignore = [1]",
        'ignore = "ACL *"',
        "models = 1",
        'source = ["src"]',
        "idle-timeout = -1",
    ],
)
def test_a_setting_that_is_unknown_or_of_the_wrong_type_is_refused_by_name(
    folder: Path, setting: str
) -> None:
    project_at(folder, setting)
    with pytest.raises(MigrateError) as refused:
        project.settings(folder)
    name = setting.partition(" ")[0]
    assert f"[tool.modelmigrate] {name} = " in str(refused.value)
    assert "lock-timeout, statement-timeout, wait, attempts" in str(refused.value)
    assert refused.value.code == 1


def test_the_table_of_an_earlier_version_is_refused_with_its_new_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "atlas.hcl").touch()
    (folder / "pyproject.toml").write_text("[tool.schema]\nwait = 5\n")
    with pytest.raises(MigrateError) as refused:
        project.settings(folder)
    assert "[tool.schema] is now called [tool.modelmigrate]" in str(refused.value)
    assert "Rename the table." in str(refused.value)


def test_a_project_is_named_by_its_pyproject_or_else_by_its_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert project.name() == "service"
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\n[tool.modelmigrate]\n')
    assert project.name() == "shop"


# --- .env ---


def test_a_name_that_the_environment_does_not_set_is_read_from_the_env_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("SET_TWICE=file\nSET_THERE=file\n")
    monkeypatch.setenv("SET_TWICE", "environment")
    below = folder / "src"
    below.mkdir()
    monkeypatch.chdir(below)
    project.load_environment()
    assert os.environ["SET_THERE"] == "file"
    assert os.environ["SET_TWICE"] == "environment"


def test_an_env_file_that_is_no_text_is_an_error_that_names_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".env").write_bytes(b"STAGING_DATABASE_URL=\xff")
    monkeypatch.chdir(folder)
    message = fails(capsys, "status", "--env", "staging")
    assert message.startswith(f"error: {folder / '.env'} cannot be read: ")


@pytest.fixture
def unreachable(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """What `status` says of a database of the .env that is not there."""
    url = f"postgresql://ada:{PASSWORD}@127.0.0.1:1/app"
    (folder / ".env").write_text(f"STAGING_DATABASE_URL={url}\n")
    monkeypatch.chdir(folder)
    return fails(capsys, "status", "--env", "staging")


def test_a_database_that_is_not_reached_is_told_without_its_password(unreachable: str) -> None:
    assert "127.0.0.1" in unreachable
    assert PASSWORD not in unreachable


def test_a_database_that_is_not_reached_is_told_with_the_variable_that_names_it(
    unreachable: str,
) -> None:
    assert "STAGING_DATABASE_URL" in unreachable


def test_an_environment_variable_wins_over_the_env_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".env").write_text("STAGING_DATABASE_URL=postgresql://127.0.0.1:1/app\n")
    monkeypatch.setenv("STAGING_DATABASE_URL", f"mysql://ada:{PASSWORD}@127.0.0.1/app")
    monkeypatch.chdir(folder)
    message = fails(capsys, "status", "--env", "staging")
    assert message.startswith("error: STAGING_DATABASE_URL must read postgresql://")
    assert PASSWORD not in message


def test_a_database_that_is_set_nowhere_is_an_error_that_names_variable_and_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    message = fails(capsys, "status", "--env", "staging")
    assert "STAGING_DATABASE_URL is not set" in message
    assert ".env" in message


# --- what to type ---

TYPED = [
    ("apply", "", {}, "make migrate", "modelmigrate apply"),
    (
        "apply",
        "",
        {"env": "staging"},
        "make migrate env=staging",
        "modelmigrate apply --env staging",
    ),
    ("apply", "", {"env": None}, "make migrate", "modelmigrate apply"),
    ("apply", "", {"yes": True}, "make migrate yes=1", "modelmigrate apply --yes"),
    ("apply", "", {"yes": False}, "make migrate", "modelmigrate apply"),
    ("create", "initial", {}, "make migrate-create m=initial", "modelmigrate create initial"),
    (
        *("create", "add user bio", {}),
        *('make migrate-create m="add user bio"', 'modelmigrate create "add user bio"'),
    ),
    (
        *("down", "", {"steps": 2, "dry_run": True}),
        *("make migrate-downgrade n=2 dry=1", "modelmigrate down --steps 2 --dry-run"),
    ),
    (
        *("down", "", {"allow_loss": "users.bio,teams"}),
        "make migrate-downgrade allow-loss=users.bio,teams",
        "modelmigrate down --allow-loss users.bio,teams",
    ),
    (
        "drift",
        "",
        {"fix": "adopt"},
        "make schema-drift fix=adopt",
        "modelmigrate drift --fix adopt",
    ),
    (
        *("branch rebase", "", {"base": "origin/main"}),
        *("make migrate-rebase base=origin/main", "modelmigrate branch rebase --base origin/main"),
    ),
    ("db start", "", {}, "make db-start", "modelmigrate db start"),
    ("template update", "", {}, "make template-update", "modelmigrate template update"),
    ("atlas", "", {}, "make atlas", "modelmigrate atlas"),
    ("doctor", "", {}, "make doctor", "modelmigrate doctor"),
    ("setup", "", {}, "make setup", "modelmigrate setup"),
]


@pytest.mark.parametrize(("verb", "message", "options", "make", "bare"), TYPED)
def test_a_command_is_shown_as_it_is_typed_in_the_project(
    folder: Path,
    verb: str,
    message: str,
    options: dict[str, object],
    make: str,
    bare: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    assert project.command(verb, message, **options) == bare
    shutil.copy(TREE / "Makefile", folder)
    assert project.command(verb, message, **options) == make


@pytest.mark.parametrize(
    ("name", "value", "make", "bare"),
    [
        ("yes", True, "yes=1", "--yes"),
        ("dry-run", True, "dry=1", "--dry-run"),
        ("steps", 3, "n=3", "--steps 3"),
        ("format", "xml", "format=xml", "--format xml"),
        ("allow-loss", "users.full name", 'allow-loss="users.full name"', None),
    ],
)
def test_an_option_is_shown_as_it_is_typed_in_the_project(
    folder: Path,
    name: str,
    value: object,
    make: str,
    bare: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    assert project.option(name, value) == bare or f'--{name} "{value}"'
    shutil.copy(TREE / "Makefile", folder)
    assert project.option(name, value) == make


@pytest.mark.parametrize(
    "value", ["plain", "two words", "it's", 'a "test"', 'it\'s a "test"', "$HOME", r"a\b", "!", "*"]
)
def test_a_shell_reads_back_the_value_that_is_shown(
    folder: Path, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    shown = project.command("create", value, rename=value)
    assert shlex.split(shown) == ["modelmigrate", "create", value, "--rename", value]
    assert not re.search(r'"[^\']*[$!]', shown), "a shell expands these in double quotes"


def test_a_makefile_that_calls_something_else_is_no_way_to_type_our_commands(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "Makefile").write_text("migrate:\n\talembic upgrade head\n")
    assert project.command("apply") == "modelmigrate apply"
