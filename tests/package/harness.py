"""A bare project, and the commands at work on it: real servers, in this very process."""

import atexit
import functools
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import psycopg
import pytest

from modelmigrate.atlas.directory import update_checksums
from modelmigrate.cli import main
from modelmigrate.errors import Exit
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.postgres.server import server_url, stop_servers
from modelmigrate.sql.statements import split_at_commas
from tests.conftest import TREE, copy_data, in_memory

# What apply says once it has compared the database with its migrations, as drift does.
MATCHES = "its schema matches the migration files"


class Ran(NamedTuple):
    """What a command gave."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


class Project(NamedTuple):
    """A folder with migrations, and the databases that it is tried on."""

    folder: Path

    @property
    def migrations(self) -> Path:
        return self.folder / "migrations"

    def run(self, command: str, /, **options: str | bool) -> Ran:
        """Run a command, with nobody at the terminal."""
        out, err = io.StringIO(), io.StringIO()
        stdin = patch.object(sys, "stdin", io.StringIO())
        environment = patch.dict(os.environ)  # which a project's .env is taken into
        with stdin, environment, redirect_stdout(out), redirect_stderr(err):
            code = main(words(command, options))
        return Ran(code, out.getvalue(), err.getvalue())

    def add(self, name: str, text: str) -> Path:
        """Write a migration by hand, and accept it."""
        file = self.migrations / f"{name}.sql"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        update_checksums()
        return file

    def start(self, command: str, /, **options: str | bool) -> "subprocess.Popen[str]":
        """Run a command in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "modelmigrate", *words(command, options)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )

    def set(self, **settings: float) -> None:
        """Set what `[tool.modelmigrate]` may say."""
        lines = [
            f"{name.replace('_', '-')} = {json.dumps(value)}" for name, value in settings.items()
        ]
        text = "\n".join(
            [f'[project]\nname = "{self.folder.name}"', "[tool.modelmigrate]", *lines, ""]
        )
        (self.folder / "pyproject.toml").write_text(text, encoding="utf-8")

    def names(self) -> list[str]:
        return sorted(file.name for file in self.migrations.glob("*.sql"))


def words(command: str, options: Mapping[str, str | bool]) -> list[str]:
    """A command line: `dry_run=True` is `--dry-run`, `env="live"` is `--env live`; `message` has no
    name there."""
    typed = command.split()
    for name, value in options.items():
        option = [] if name == "message" else [f"--{name.replace('_', '-')}"]
        typed += [*option, value] if isinstance(value, str) else option * value
    return typed


@functools.cache
def empty_server() -> Path:
    """The data of a server that has nothing in it, for projects to begin with."""
    parent = Path(tempfile.mkdtemp(prefix="schema-tests-", dir=in_memory()))
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    parent.chmod(0o755)
    (parent / "atlas.hcl").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(parent)
        server_url("scratch")
        stop_servers()
    return parent / ".postgres"


@contextmanager
def project_of(name: str) -> Iterator[Project]:
    """A new project, which the commands work on in this process."""
    parent = Path(tempfile.mkdtemp(prefix="schema-tests-", dir=in_memory()))
    parent.chmod(0o755)
    folder = parent / name
    folder.mkdir()
    copy_data(empty_server(), folder / ".postgres")
    for file in ("atlas.hcl", "Makefile"):  # with the latter, messages speak of `make`
        shutil.copy(TREE / file, folder)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield Project(folder)
        stop_servers()
    shutil.rmtree((folder / ".postgres").resolve(), ignore_errors=True)
    shutil.rmtree(parent)


# Prints what the test wrote into schema.sql, as the real one prints the models.
LOADER = """\
from pathlib import Path
print(Path(__file__).with_name("schema.sql").read_text(encoding="utf-8"))
"""


@contextmanager
def project_with_models(name: str) -> Iterator[Project]:
    """As `project_of`, with models: whatever its schema.sql says."""
    with project_of(name) as made:
        (made.folder / "load_models.py").write_text(LOADER, encoding="utf-8")
        (made.folder / "schema.sql").touch()
        yield made


@contextmanager
def begun_anew(project: Project, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """No migrations are there, no models and nothing declared, and an empty database, the environment
    `live`."""
    shutil.rmtree(project.folder / "src", ignore_errors=True)
    if (project.folder / "schema.sql").exists():
        (project.folder / "schema.sql").write_text("", encoding="utf-8")
    for file in (*project.migrations.rglob("*.sql"), *project.migrations.glob("atlas.sum")):
        file.unlink()
    with scratch_database() as url:
        patch.setenv("LIVE_DATABASE_URL", url)
        yield


def roll_back(project: Project, env: str = "live", steps: int = 1) -> set[str]:
    """Roll back, and accept what is lost by that, or was before; the names of that."""
    options: dict[str, str | bool] = {"env": env, "steps": str(steps), "yes": True}
    ran = project.run("down", **options)
    losses = re.search(r"allow-loss=(.+)$", ran.said, re.MULTILINE)
    names = shlex.split(losses[1])[0] if ran.code == Exit.REFUSED and losses else ""
    if names:
        ran = project.run("down", **options, allow_loss=names)
    assert ran.code == 0, ran.said
    return set(split_at_commas(names)) - {""}


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        yield connection


def execute(url: str, statements: str) -> list[Any]:
    """Run statements; the rows of the last one, if it gives any."""
    with connected(url) as connection:
        cursor = connection.execute(statements.encode())
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []
