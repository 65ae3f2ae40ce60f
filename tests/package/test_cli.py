"""The command line: its help, its errors, its start, and the Makefile in front of it."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer

from modelmigrate import project
from modelmigrate.cli import app, main
from modelmigrate.errors import Exit
from tests.conftest import TREE, run

PROGRAM: Any = typer.main.get_command(app)
MAKEFILE = (TREE / "Makefile").read_text(encoding="utf-8")
TARGET = re.compile(
    r"^(?P<name>[a-z-]+):[^#\n]*## (?P<help>.*)\n(?P<recipe>(?:\t.*\n)+)", re.MULTILINE
)
CALL = re.compile(r"\$\(MIGRATE\) ((?:[a-z]+ ?)+)")


def commands(group: Any, *names: str) -> Iterator[tuple[str, Any]]:
    """Every command below a group, each with what is typed for it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *names, name)
        else:
            yield " ".join([*names, name]), command


COMMANDS = dict(commands(PROGRAM))
GROUPS = {name: each for name, each in PROGRAM.commands.items() if hasattr(each, "commands")}
EXAMPLES = [
    (name, line)
    for name, command in COMMANDS.items()
    for line in (command.epilog or "").splitlines()[2:]
]


def parse(words: list[str]) -> str:
    """The command that is called by these words, whose options must be ones that it has."""
    name = max((n for n in COMMANDS if words[: len(n.split())] == n.split()), key=len)
    COMMANDS[name].make_context(name, words[len(name.split()) :])
    return name


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory in no project."""
    monkeypatch.delenv("MODELMIGRATE_PROJECT", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- help ---


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_describes_it_and_every_option_and_gives_examples(
    outside: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*name.split(), "--help"]) == 0
    shown = one_line(capsys.readouterr().out)
    command = COMMANDS[name]
    assert one_line(command.help) in shown
    for parameter in command.params:
        assert parameter.help, parameter.name
        assert one_line(parameter.help) in shown
        assert all(option in shown for option in parameter.opts)
    assert f"Examples: modelmigrate {name}" in shown


@pytest.mark.parametrize(("name", "line"), EXAMPLES)
def test_an_example_is_a_command_line_that_works_as_it_stands(name: str, line: str) -> None:
    assert line.startswith("  modelmigrate ")
    assert parse(shlex.split(line.partition(" | ")[0])[1:]) == name


def test_the_help_of_the_program_lists_every_command_with_its_whole_help(
    outside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, command in PROGRAM.commands.items():
        (line,) = re.findall(rf"^  {name}  +(.*)$", shown, re.MULTILINE)
        assert command.help.startswith(line)
        assert line.endswith(".")
        assert not line.endswith("...")
    for code in Exit:
        assert re.search(rf"\b{code.value} {code.name.lower().replace('_', ' ')}\b", shown)


@pytest.mark.parametrize("name", GROUPS)
def test_the_help_of_a_group_lists_its_commands(
    outside: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert GROUPS[name].help in shown
    for command in GROUPS[name].commands:
        assert re.search(rf"^  {command}  +.*[^.]\.$", shown, re.MULTILINE)


@pytest.mark.parametrize("words", [[], *([name] for name in GROUPS)])
def test_without_a_command_the_help_is_shown(
    outside: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*words, "--help"])
    expected = capsys.readouterr().out
    assert main(words) == Exit.ERROR
    out, err = capsys.readouterr()
    assert (out + err).strip() == expected.strip()


def test_the_version_is_that_of_the_installed_package(
    outside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"modelmigrate {version('modelmigrate')}\n"


def test_the_path_of_atlas_needs_no_project(
    outside: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    atlas = script(outside / "atlas", 'echo "atlas version v0.38.0-6ab22a4"')
    monkeypatch.setenv("ATLAS", str(atlas))
    assert main(["atlas"]) == 0
    assert capsys.readouterr().out == f"{atlas}\n"


# --- errors ---


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("--nope", "--nope"),
        ("nope", "nope"),
        ("branch nope", "nope"),
        ("status --nope", "--nope"),
        ("status nope", "nope"),
        ("status --env", "--env"),
        ("down --steps x", "--steps"),
        ("down --steps", "--steps"),
        ("down --steps 1.5", "--steps"),
        ("apply --yes=1", "--yes"),
        ("--project", "--project"),
    ],
)
def test_a_usage_error_names_what_is_wrong_and_is_never_taken_for_drift(
    outside: Path, line: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split()) == Exit.ERROR
    out, err = capsys.readouterr()
    assert out == ""
    (message,) = re.findall(r"^Error: (.*)$", err, re.MULTILINE)
    assert named in message
    assert err.endswith("Nothing was changed.\n")


# --- the start ---


def test_the_program_the_module_and_the_function_are_the_same(
    outside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["down", "--help"])
    expected = capsys.readouterr().out
    console_script = Path(sys.executable).with_name("modelmigrate")
    for program in ((console_script,), (sys.executable, "-m", "modelmigrate")):
        assert run(*program, "down", "--help", at=outside).stdout == expected
        assert run(*program, "down", "--steps", "x", at=outside).returncode == Exit.ERROR


def test_the_command_line_starts_without_a_driver_or_a_room(outside: Path) -> None:
    code = "import sys, modelmigrate.cli; print(*sys.modules)"
    loaded = set(run(sys.executable, "-c", code, at=outside).stdout.split())
    assert not loaded & {"psycopg", "sqlalchemy", "rich", "dotenv", "tomllib"}
    assert {name for name in loaded if name.startswith("modelmigrate")} == {
        "modelmigrate",
        "modelmigrate.cli",
        "modelmigrate.errors",
        "modelmigrate.project",
    }


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("modelmigrate ", set(PROGRAM.commands)),
        ("modelmigrate d", {"down", "drift", "drill", "declare", "db", "docs", "doctor"}),
        ("modelmigrate db ", {"start", "stop", "url"}),
        ("modelmigrate status --", {"--env", "--help"}),
    ],
)
def test_a_shell_completes_commands_and_options(
    outside: Path,
    typed: str,
    offered: set[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("_MODELMIGRATE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(typed.count(" ")))
    with pytest.raises(SystemExit) as end:
        main([])
    assert not end.value.code
    assert set(capsys.readouterr().out.split()) == offered


# --- the Makefile in front of it ---


def script(file: Path, text: str) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)
    return file


@pytest.fixture(scope="module")
def makefile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the template's Makefile, and with a uv that prints what it is called with."""
    folder = tmp_path_factory.mktemp("make")
    shutil.copy(TREE / "Makefile", folder)
    script(folder / "bin" / "uv", "printf '%s\\n' \"$@\"")
    return folder


def make(folder: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    return run("make", *words, at=folder, env={"PATH": path, **environment})


def called(folder: Path, *words: str) -> list[list[str]]:
    """What `make` would call of our commands, each in words."""
    shown = make(folder, "--dry-run", *words)
    assert shown.returncode == 0, shown.stderr
    return [
        shlex.split(line.partition("modelmigrate ")[2])
        for line in shown.stdout.splitlines()
        if line.startswith("uv run --quiet python -m modelmigrate ")
    ]


def test_every_command_that_the_makefile_calls_exists() -> None:
    calls = {match.strip() for match in CALL.findall(MAKEFILE)}
    assert calls <= COMMANDS.keys()
    assert len(calls) > 15


FROM_WHEEL = {"setup", "template check", "template update"}


@pytest.mark.parametrize("verb", sorted(COMMANDS.keys() - FROM_WHEEL))
def test_a_command_has_the_make_target_that_messages_name(makefile: Path, verb: str) -> None:
    target = project.TARGETS.get(verb, verb)
    assert verb.split() in [words[: len(verb.split())] for words in called(makefile, target)]


@pytest.mark.parametrize("verb", sorted(FROM_WHEEL))
def test_set_up_and_template_updates_need_no_installed_package(makefile: Path, verb: str) -> None:
    target = project.TARGETS.get(verb, verb)
    shown = make(makefile, "--dry-run", target, "to=v9").stdout
    program = verb.replace("template ", "update ")
    assert re.search(rf"&& PYTHONPATH=\S* python3 -m modelmigrate\.service\.{program}", shown)
    assert ("--to='v9'" in shown) == verb.startswith("template")


@pytest.mark.parametrize(
    ("target", "text"),
    [
        pytest.param(match["name"], match["help"], id=match["name"])
        for match in TARGET.finditer(MAKEFILE)
        if CALL.search(match["recipe"]) and "=" in match["help"] and match["name"] != "run"
    ],
)
def test_the_values_that_make_lists_are_options_of_the_command(
    makefile: Path, target: str, text: str
) -> None:
    listed = shlex.split(text[text.rindex("(") :].strip("()"))
    given = [each if not each.endswith("=") else f"{each}x" for each in listed]
    (words,) = called(makefile, target, *given)
    parse(words)
    values = {each.partition("=")[2] for each in given} - {"1", "no"}
    assert values <= {word.rpartition("=")[2] for word in words} | set(words)


def test_values_become_options_and_switches(makefile: Path) -> None:
    shown = make(makefile, "--dry-run", "migrate-downgrade", "n=2", "dry=1", "env=staging").stdout
    assert one_line(shown) == (
        "uv run --quiet python -m modelmigrate down --env='staging' --steps='2' --dry-run"
    )


@pytest.mark.parametrize("value", ["0", "no", "false", ""])
def test_a_switch_that_is_off_is_not_handed_on(makefile: Path, value: str) -> None:
    assert called(makefile, "migrate", f"yes={value}", f"dry={value}") == [["apply"]]


def test_a_variable_of_the_shell_is_no_option(makefile: Path) -> None:
    shown = make(makefile, "--dry-run", "migrate", env="staging", to="1", yes="1", dry="1")
    assert one_line(shown.stdout) == "uv run --quiet python -m modelmigrate apply"


@pytest.mark.parametrize(
    "value",
    [
        "two words",
        'it\'s a "test"',
        "a;b|c&d",
        "`id`",
        r"a\b",
        "#1",
        "100%",
        "*",
        "a=b",
        "<>()",
        "$5 $HOME",
    ],
)
def test_a_value_reaches_the_command_unharmed(makefile: Path, value: str) -> None:
    ran = make(makefile, "migrate-create", f"m={value}", f"rename={value}")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        *("run", "--quiet", "python", "-m", "modelmigrate", "create", value, f"--rename={value}")
    ]


def test_a_failure_of_the_command_is_a_failure_of_make(makefile: Path, tmp_path: Path) -> None:
    shutil.copy(makefile / "Makefile", tmp_path)
    script(tmp_path / "bin" / "uv", "exit 3")
    assert make(tmp_path, "migrate").returncode == 2
