"""What is installed, which Atlas and PostgreSQL are used, and what to type where something fails."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable

from modelmigrate import project
from modelmigrate.atlas.binary import find_atlas
from modelmigrate.errors import MigrateError
from modelmigrate.postgres.environments import server_status


def diagnose() -> str:
    """Every check on a line, `ok` or `FIX` with the command.

    Raises:
        MigrateError: something is broken; the same lines.
    """
    lines, broken = [], 0
    for name, check in CHECKS.items():
        try:
            lines.append(f"ok   {name:<11} {check()}")
        except MigrateError as error:
            broken += 1
            lines.append(f"FIX  {name:<11} {error}")
    text = "\n".join(lines)
    if broken:
        raise MigrateError(f"{broken} of {len(CHECKS)} checks failed\n{text}")
    return text


def python() -> str:
    return f"{sys.version.split()[0]}, {sys.executable}"


def uv() -> str:
    return answer("uv", "--version", cure="install uv: pip install uv")


def git() -> str:
    version = answer("git", "--version", cure="install git")
    ident = answer(
        "git", "var", "GIT_COMMITTER_IDENT", cure="git config --global user.email YOU@..."
    )
    return f"{version}, as {ident.rpartition('>')[0]}>"


def settings() -> str:
    env = project.root() / ".env"
    if not env.exists():
        raise MigrateError("there is no .env: make setup")
    if os.name == "posix" and stat.S_IMODE(env.stat().st_mode) & 0o077:
        raise MigrateError(".env can be read by others: chmod 600 .env")
    return ".env is yours alone"


def atlas_binary() -> str:
    found = find_atlas()
    if not found:
        raise MigrateError("not there yet: make atlas")
    return f"{found.version}, from {found.source}: {found.path}"


def database() -> str:
    found = server_status()
    return f"{found.version}, {'up' if found.running else 'down (make db-start)'}: {found.source}"


def migrations() -> str:
    files = sorted(project.migrations_dir().glob("*.sql"))
    if not files:
        raise MigrateError("there is none yet: make setup")
    return f"{len(files)}, the newest is {files[-1].name}"


def answer(program: str, *arguments: str, cure: str) -> str:
    """The first line that a program prints."""
    path = shutil.which(program)
    if path:
        finished = subprocess.run(
            [path, *arguments],
            cwd=project.root(),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if finished.returncode == 0:
            return finished.stdout.partition("\n")[0]
    raise MigrateError(cure)


CHECKS: dict[str, Callable[[], str]] = {
    "python": python,
    "uv": uv,
    "git": git,
    "settings": settings,
    "atlas": atlas_binary,
    "postgres": database,
    "migrations": migrations,
}
