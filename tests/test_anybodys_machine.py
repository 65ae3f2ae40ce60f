"""`make test` in odd surroundings: what is set, installed or missing on a machine changes no test.

Each row of SURROUNDINGS runs a few quick tests, one for each thing that could be confused, in a copy of
the checkout. To add a row, say what is odd there.
"""

import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from tests.conftest import SETTINGS, in_memory, run

ROOT_USER = os.geteuid() == 0
# Links of PATH, git, a rendered template, the Makefile of a bake, a server in the process.
SELECTION = (
    "tests/package/test_wheel.py::test_without_git_it_is_made_all_the_same",
    "tests/package/test_wheel.py::test_the_bytes_of_a_published_version_can_be_made_again",
    "tests/template/test_rendering.py::test_a_bake_copies_code_byte_for_byte",
    "tests/package/test_cli.py::test_a_failure_of_the_command_is_a_failure_of_make",
    "tests/package/test_postgres.py::test_without_a_project_name_the_folder_gives_it",
    "tests/test_anybodys_machine.py::test_memory_that_tests_cannot_use_is_passed_over",
)
OPTIONS = ("-q", "-n", "0", "--dist", "no", "--assert", "plain")


class Surroundings(NamedTuple):
    """What is odd about a machine; `{home}` and `{PATH}` stand for what is usual."""

    variables: Mapping[str, str] = MappingProxyType({})
    files: Mapping[str, str] = MappingProxyType({})  # in the home of the user
    checkout: str = "checkout"
    umask: int = 0o022
    as_nobody: bool = False  # which a user who is not root is anyway


GITCONFIG = """\
[commit]
gpgsign = true
[core]
autocrlf = input
excludesFile = {home}/ignored
fsmonitor = {home}/fails
hooksPath = {home}/hooks
[gpg]
program = {home}/fails
[init]
defaultBranch = trunk
templateDir = {home}/nowhere
"""
IGNORED = "*.sql\n*.sum\n*.lock\n*.hcl\nmigrations\n"
FAILS = "#!/bin/sh\nexit 1\n"
SURROUNDINGS = {
    "variables that are meant for other programs": Surroundings(
        {
            "PYTHONHOME": "/nowhere", "VIRTUAL_ENV": "/nowhere", "CONDA_PREFIX": "/nowhere",
            "UV_PROJECT_ENVIRONMENT": "/nowhere", "UV_PYTHON": "/nowhere", "PIP_TARGET": "/nowhere",
            "GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere", "GIT_TEMPLATE_DIR": "/nowhere",
            "PGHOST": "/nowhere", "PGSERVICEFILE": "/nowhere", "COOKIECUTTER_CONFIG": "/nowhere",
            "MODELMIGRATE_PROJECT": "/nowhere", "TMPDIR": "/nowhere", "ENV": "/nowhere",
            "BASH_ENV": "{home}/shell", "CDPATH": "/", "PYTHONPATH": "{home}/modules",
            "PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error", "UV_NO_DEV": "1", "UV_SYSTEM_PYTHON": "1",
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.bare", "GIT_CONFIG_VALUE_0": "true",
            "PGSERVICE": "theirs", "PGOPTIONS": "-c nothing=1", "DATABASE_URL": "theirs",
            "TEMPLATE_SETUP": "no", "MAKEFLAGS": "k", "LC_ALL": "tr_TR.UTF-8", "LANGUAGE": "tr",
            "TZ": "Pacific/Kiritimati", "FORCE_COLOR": "1", "COLUMNS": "20",
        },
        {"modules/yaml.py": "raise SystemExit('theirs')\n", "shell": "echo theirs\n"},
    ),
    "a strange PATH, no home, a folder for temporary files with a space, a umask of 077": Surroundings(
        {
            "PATH": ":links:{home}/file:{home}/nowhere:{home}/closed:{home}/links:{PATH}:{PATH}:",
            "HOME": "{home}/nowhere",
            "TMPDIR": "{home}/for a while",
        },
        {"file": FAILS, "closed/file": "", "for a while/.keep": ""},
        umask=0o077,
    ),
    "configurations of git, cookiecutter, uv and psql; a path with spaces, quotes and brackets": (
        Surroundings(checkout="it's a [checkout] of \"mine\"", files={
            ".gitconfig": GITCONFIG, "ignored": IGNORED, ".config/git/ignore": IGNORED,
            ".config/git/attributes": "* eol=crlf\n", "fails": FAILS, "hooks/pre-commit": FAILS,
            ".cookiecutterrc": "default_context:\n  project_slug: 1bad\n", ".psqlrc": "\\q\n",
            ".config/uv/uv.toml": 'resolution = "lowest"\ncompile-bytecode = true\n',
        })
    ),
    "a user who is not root, and has no home": Surroundings(
        {"HOME": "/nonexistent"}, as_nobody=True,
    ),
}  # fmt: skip


def lay_out(odd: Surroundings, template: Path, folder: Path) -> dict[str, str]:
    """Make the user's home and the checkout, and say where what the rows name is."""
    home, checkout = folder / "home", folder / odd.checkout
    shutil.copytree(template, checkout)
    (checkout / ".venv").mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name != "ready":
            (checkout / ".venv" / entry.name).symlink_to(entry)
    (checkout / ".venv" / "ready").touch()
    for name, text in odd.files.items():
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("{home}", str(home)), encoding="utf-8")
        file.chmod(0o755 if text.startswith("#!") else 0o644)
    (home / "links").mkdir(parents=True)
    for name in ("git", "python3", "leads-nowhere"):
        (home / "links" / name).symlink_to("nowhere")
    for closed in home.glob("closed"):
        closed.chmod(0)
    return {"{home}": str(home), "{PATH}": os.environ["PATH"]}


def nobody(folder: Path) -> tuple[str, ...]:
    """What to type before a command that `nobody` shall run, whom everything in the folder is given to."""
    user, group = pwd.getpwnam("nobody")[2:4]
    for file in (folder, *folder.rglob("*")):
        os.chown(file, user, group, follow_symlinks=False)
    plain = ("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups")
    # The home of root may hold the interpreter, so that only somebody who may read all can start it:
    # make, which asks first, does not even try.
    reader = (*plain, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    for way in ((*plain, "env"), (*reader, "env")) if shutil.which("setpriv") else ():
        if run(*way, sys.executable, "-c", "import pytest", at=folder).returncode == 0:
            return way
    pytest.skip("nobody but root can start the interpreter of these tests")


@pytest.mark.parametrize("odd", SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_the_tests_pass_in_odd_surroundings(
    odd: Surroundings, template: Path, workshop: Path
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="machine-", dir=workshop))
    folder.chmod(0o755)
    places = lay_out(odd, template, folder)
    variables = {"HOME": "{home}", **odd.variables}
    for name, place in places.items():
        variables = {key: value.replace(name, place) for key, value in variables.items()}
    outside = [name for name in os.environ if name not in SETTINGS and "PYTEST" not in name]
    command = ["make", "test", f"args={shlex.join(OPTIONS + SELECTION)}"]
    if odd.as_nobody and ROOT_USER:
        command = [*nobody(folder), ".venv/bin/python", "-m", "pytest", *OPTIONS, *SELECTION]
    done = subprocess.run(
        command,
        cwd=folder / odd.checkout,
        env={name: os.environ[name] for name in outside} | variables,
        umask=odd.umask,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
    assert not re.search("failed|error", done.stdout.splitlines()[-1])


@pytest.mark.parametrize("kind", ["missing", "a file", "closed"])
def test_memory_that_tests_cannot_use_is_passed_over(kind: str, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "closed").mkdir(mode=0o555)
    usable = kind == "closed" and ROOT_USER  # to whom nothing is closed
    assert in_memory(tmp_path / kind, room=1) == (tmp_path / kind if usable else None)
    assert in_memory(tmp_path, room=1 << 60) is None
