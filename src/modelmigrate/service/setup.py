"""A fresh checkout made ready to work on; also run when the project is generated.

Every step can be repeated safely and reports in one line. A step that cannot be done now says how to
fix that, and nothing is undone. Exit codes: 0 all done, 1 the schema is wrong, 3 a step is not done,
130 interrupted.
"""

# The first half needs a Python >= 3.10 and nothing else, for it runs from the wheel before anything
# is installed: nothing of a third party may be imported at the top. The second half runs in the
# environment that the first one has installed, and imports what it needs in its steps.

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.isolation import isolated
from modelmigrate.terminal import note, say

DONE = 0
FAILED = 1
INCOMPLETE = 3
INTERRUPTED = 130


class StepSkipped(Exception):
    """Why a step is not done, and what to type."""


def skipped(reason: object) -> StepSkipped:
    """The error for a step that is not done, with what to type once the reason is fixed."""
    return StepSkipped(f"{reason} Fix that, then run: {project.command('setup')}")


def run_steps(*steps: Callable[[], str]) -> int:
    """Run the steps in order, a line each; those after one that is not done are not run."""
    needed = ""
    for step in steps:
        name = step.__name__
        if needed:
            say(f"  NOT DONE  {name:<11} needs: {needed}")
            continue
        if sys.stdout.isatty():
            say(f"  ...       {name}", end="\r")
        started = time.monotonic()
        try:
            outcome, report = "done", step()
        except StepSkipped as reason:
            outcome, report, needed = "NOT DONE", " ".join(str(reason).split()), name
        seconds = time.monotonic() - started
        say(f"  {outcome:<9} {name:<11} {report} ({seconds:.1f} s)")
    return INCOMPLETE if needed else DONE


def settings() -> str:
    """Write `.env` from its example, with a generated password, readable by this user alone."""
    env = project.root() / ".env"
    if env.exists():
        return ".env is kept as it is"
    example = project.root() / ".env.example"
    if not example.exists():
        return "there is no .env.example, so no .env is needed"
    content = example.read_text(encoding="utf-8").replace("change-me", secrets.token_urlsafe(24))
    with os.fdopen(os.open(env, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    return ".env is written, with a generated password"


def lock() -> str:
    """Pin every dependency; from uv's cache where the network is down."""
    finished = run(uv(), "lock", "--quiet")
    if finished.returncode and run(uv(), "lock", "--offline").returncode:
        raise skipped(f"uv lock failed: {summary(finished)}.")
    packages = (project.root() / "uv.lock").read_text(encoding="utf-8").count("[[package]]")
    return f"uv.lock pins {packages} packages"


def install() -> str:
    """Install what is locked into `.venv`."""
    finished = run(uv(), "sync", "--locked", "--quiet")
    if finished.returncode and run(uv(), "sync", "--locked", "--offline").returncode:
        raise skipped(f"uv sync failed: {summary(finished)}.")
    return "everything locked is in .venv"


def atlas() -> str:
    """Find Atlas, or build it."""
    from modelmigrate.atlas.binary import atlas_binary

    try:
        return f"{atlas_binary()}"
    except MigrateError as error:
        raise skipped(error) from error


def postgres() -> str:
    """Start the server of the scratch databases."""
    from modelmigrate.postgres.environments import server_status
    from modelmigrate.postgres.scratch import scratch_database

    try:
        with scratch_database():
            server = server_status()
            return f"{server.version}, from {server.source}"
    except MigrateError as error:
        raise skipped(error) from error


def migration() -> str:
    """Create the first migration from the models."""
    from modelmigrate.atlas.directory import has_migrations
    from modelmigrate.migrations.create import create_migrations

    if has_migrations():
        return "migrations/ has its first migration already"
    created = create_migrations("initial").files
    return f"migrations/{created[0].name}" if created else "the models declare nothing"


def repository() -> str:
    """Make the first commit, unless the project already lies in a repository."""
    if not shutil.which("git"):
        raise skipped("git is not installed.")
    toplevel = run("git", "rev-parse", "--show-toplevel")
    if toplevel.returncode == 0 and Path(toplevel.stdout.strip()).resolve() != project.root():
        return "inside another git repository: commit it there"
    if run("git", "rev-parse", "--verify", "HEAD").returncode == 0:
        return "git has its first commit already"
    for command in (
        ("init", "--quiet", "--initial-branch", "main"),
        ("add", "--all"),
        ("commit", "--quiet", "--message", "Start from the template"),
    ):
        finished = run("git", *command)
        if finished.returncode:
            raise skipped(f"git {command[0]} failed: {summary(finished)}.")
    return "first commit on branch main"


def uv() -> str:
    """The path of a uv that really starts: a version manager's shim may have none behind it."""
    candidates = [os.environ.get("UV"), *(shutil.which("uv", path=p) for p in os.get_exec_path())]
    for candidate in filter(None, candidates):
        if run(candidate, "--version").returncode == 0:
            return candidate
    raise skipped("uv is not installed: pip install uv.")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the project."""
    return subprocess.run(
        command,
        cwd=project.root(),
        env=isolated(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def summary(finished: subprocess.CompletedProcess[str]) -> str:
    """The first and the last line of a program's output: what went wrong, and why."""
    lines = (finished.stderr or finished.stdout).strip().splitlines()
    return " ... ".join(dict.fromkeys(line.strip() for line in (*lines[:1], *lines[-1:])))


def schema() -> int:
    """The second half, in the project's environment."""
    from modelmigrate.postgres import server

    signal.signal(signal.SIGINT, interrupt_once)
    was_idle = not any(map(server.is_running, server.SERVERS))
    try:
        return run_steps(atlas, postgres, migration)
    except MigrateError as error:
        say(f"  FAILED    migration   {error}")
        return FAILED
    finally:
        if was_idle:
            server.stop_servers()


def interrupt_once(*_: object) -> None:
    """A second Ctrl-C must not disturb the cleaning up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def run_schema() -> int:
    """Run the second half to its end: it cleans up itself after an interrupt."""
    program = ("python", "-m", "modelmigrate.service.setup", "--schema-only")
    arguments = ("run", "--no-sync", "--quiet", *program)
    with subprocess.Popen((uv(), *arguments), cwd=project.root(), env=isolated()) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue


def set_up(*, commit: bool) -> int:
    """Make the project ready; `commit` says whether its first commit is made, too.

    Returns the exit code: see above.
    """
    code = run_steps(settings, lock, install)
    if code == DONE:
        code = run_schema()
    else:
        say("  NOT DONE  migration   needs the steps above")
    if commit and code in (DONE, INCOMPLETE):
        code = max(code, run_steps(repository))
    return code


def main() -> int:
    """The command `setup` for a Python without Typer."""
    parser = argparse.ArgumentParser(prog="modelmigrate setup", description=__doc__)
    parser.add_argument("--no-commit", action="store_true", help="leave git alone")
    parser.add_argument("--schema-only", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        code = schema() if arguments.schema_only else set_up(commit=not arguments.no_commit)
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED and not arguments.schema_only:
        note(f"\nstopped: what is done is kept. Continue with: {project.command('setup')}")
    return code


if __name__ == "__main__":
    sys.exit(main())
