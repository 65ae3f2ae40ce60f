"""What is installed, which Atlas and PostgreSQL are used, and what to type where a check fails."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable

from modelmigrate import project
from modelmigrate.atlas.binary import find_atlas
from modelmigrate.errors import MigrateError
from modelmigrate.isolation import isolated
from modelmigrate.postgres.environments import server_status
from modelmigrate.service.environment import (
    damaged_packages,
    environment_name,
    made_elsewhere,
    packages_of_others,
)
from modelmigrate.service.link import CRUFT_FILE, is_from_template
from modelmigrate.service.repository import ignored, shown
from modelmigrate.service.steps import run
from modelmigrate.service.template import cruft_problem


def diagnose() -> str:
    """Run every check; a line for each, `ok` or `FIX` with the command that fixes it.

    Raises:
        MigrateError: a check failed; the same lines.
    """
    lines, failed = [], 0
    for name, check in CHECKS.items():
        try:
            lines.append(f"ok   {name:<11} {check()}")
        except (MigrateError, OSError) as error:  # of the system: a program is not there
            failed += 1
            lines.append(f"FIX  {name:<11} {error}")
    report = "\n".join(lines)
    if failed:
        raise MigrateError(f"{failed} of {len(CHECKS)} checks failed\n{report}")
    return report


def python() -> str:
    """The interpreter that runs the commands."""
    return f"{sys.version.split()[0]}, {sys.executable}"


def uv() -> str:
    """uv, which every target of make goes through."""
    return first_line("uv", "--version", hint="install uv: pip install uv")


def git() -> str:
    """git, and whom it commits as."""
    version = first_line("git", "--version", hint="install git")
    set_identity = "git config --global user.email YOU@..."
    identity = first_line("git", "var", "GIT_COMMITTER_IDENT", hint=set_identity)
    return f"{version}, as {identity.rpartition('>')[0]}>"


def environment() -> str:
    """The virtual environment that every target of make runs in."""
    again = project.command("setup")
    if others := packages_of_others():
        raise MigrateError(
            f"{environment_name()} holds packages of something else: {shown(others)}"
        )
    if made_elsewhere():
        raise MigrateError(f"{environment_name()} was made in another folder: {again}")
    if damaged := damaged_packages():
        raise MigrateError(f"{environment_name()} lacks files of {shown(damaged)}: {again}")
    return f"{environment_name()}, whole"


def repository() -> str:
    """Whether git tracks what a clone needs."""
    if run("git", "rev-parse", "--show-toplevel").returncode:
        raise MigrateError(f"there is no git repository: {project.command('setup')}")
    if names := ignored():
        raise MigrateError(f"git ignores {shown(names)}: git add --force {' '.join(names[:3])}")
    return "nothing that a clone needs is ignored"


def template() -> str:
    """Whether the project can be updated from its template."""
    if not is_from_template():
        return "none: this project is not updated from one"
    if problem := cruft_problem():
        raise MigrateError(problem)
    return f"{CRUFT_FILE} names it"


def settings() -> str:
    """`.env`, which holds passwords; a project without an example of it needs none."""
    env = project.root() / ".env"
    if not env.exists() and not (project.root() / ".env.example").exists():
        return "none needed: there is no .env.example"
    if not env.exists():
        raise MigrateError(f"there is no .env: {project.command('setup')}")
    if os.name == "posix" and stat.S_IMODE(env.stat().st_mode) & 0o077:
        raise MigrateError(".env can be read by others: chmod 600 .env")
    return ".env can be read by you alone"


def atlas_binary() -> str:
    """Which Atlas is used, and where it comes from."""
    atlas = find_atlas()
    if not atlas:
        raise MigrateError(f"not installed yet: {project.command('atlas')}")
    return f"{atlas.version}, from {atlas.source}: {atlas.path}"


def database() -> str:
    """The PostgreSQL for development."""
    server = server_status()
    state = "up" if server.running else f"down ({project.command('db start')})"
    return f"{server.version}, {state}: {server.source}"


def migrations() -> str:
    """How many migrations there are."""
    files = sorted(project.migrations_dir().glob("*.sql"))
    if not files:
        raise MigrateError(f"there is none yet: {project.command('setup')}")
    return f"{len(files)}, the newest is {files[-1].name}"


def first_line(program: str, *arguments: str, hint: str) -> str:
    """The first line that a program prints.

    Raises:
        MigrateError: it is not installed, or it failed; the hint.
    """
    path = shutil.which(program)
    if path:
        finished = subprocess.run(
            [path, *arguments],
            cwd=project.root(),
            env=isolated(),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if finished.returncode == 0:
            return finished.stdout.partition("\n")[0]
    raise MigrateError(hint)


CHECKS: dict[str, Callable[[], str]] = {
    "python": python,
    "uv": uv,
    "git": git,
    "environment": environment,
    "repository": repository,
    "template": template,
    "settings": settings,
    "atlas": atlas_binary,
    "postgres": database,
    "migrations": migrations,
}
