"""Make a fresh checkout ready to work on: `make setup`, also run when the project is generated.

Every step can be repeated safely and reports in one line. What cannot be done now is said, with
its cure, and nothing is undone. Exit codes: 0 all done, 1 the schema is wrong, 3 something waits,
130 interrupted.
The first half needs only a Python >= 3.10; the second runs inside the environment that it made.
"""

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

DONE = 0
FAILED = 1
WAITING = 3
STOPPED = 130
AGAIN = "Mend that, then run: make setup"


class StepSkipped(Exception):
    """Why a step was not taken, and what to type."""


def run_steps(*steps: Callable[[], str]) -> int:
    """Take the steps in order, a line each; after one that is not done, name those that wait."""
    missing = ""
    for step in steps:
        name = step.__name__
        if missing:
            print(f"  NOT DONE  {name:<11} waits for: {missing}", flush=True)
            continue
        if sys.stdout.isatty():
            print(f"  ...       {name}", end="\r", flush=True)
        started = time.monotonic()
        try:
            outcome, report = "done", step()
        except StepSkipped as reason:
            outcome, report, missing = "NOT DONE", " ".join(str(reason).split()), name
        seconds = time.monotonic() - started
        print(f"  {outcome:<9} {name:<11} {report} ({seconds:.1f} s)", flush=True)
    return WAITING if missing else DONE


def settings() -> str:
    """Write `.env` from its example, with a generated password, for this user's eyes alone."""
    env = project.root() / ".env"
    if env.exists():
        return ".env kept as it is"
    example = (project.root() / ".env.example").read_text(encoding="utf-8")
    content = example.replace("change-me", secrets.token_urlsafe(24))
    with os.fdopen(os.open(env, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    return ".env written, with a generated password"


def lock() -> str:
    """Pin every dependency; from uv's cache where the network is down."""
    finished = run(uv(), "lock", "--quiet")
    if finished.returncode and run(uv(), "lock", "--offline").returncode:
        raise StepSkipped(f"uv lock says: {words(finished)}. {AGAIN}")
    packages = (project.root() / "uv.lock").read_text(encoding="utf-8").count("[[package]]")
    return f"uv.lock pins {packages} packages"


def install() -> str:
    """Install what is locked into `.venv`."""
    finished = run(uv(), "sync", "--locked", "--quiet")
    if finished.returncode and run(uv(), "sync", "--locked", "--offline").returncode:
        raise StepSkipped(f"uv sync says: {words(finished)}. {AGAIN}")
    return "everything locked is in .venv"


def atlas() -> str:
    """Find Atlas, or build it."""
    from modelmigrate.atlas.binary import atlas_binary
    from modelmigrate.errors import MigrateError

    try:
        return f"{atlas_binary()}"
    except MigrateError as error:
        raise StepSkipped(f"{error} {AGAIN}") from error


def postgres() -> str:
    """Start the server on which Atlas computes."""
    from modelmigrate.errors import MigrateError
    from modelmigrate.postgres.environments import server_status
    from modelmigrate.postgres.scratch import scratch_database

    try:
        with scratch_database():
            server = server_status()
            return f"{server.version}, from {server.source}"
    except MigrateError as error:
        raise StepSkipped(f"{error} {AGAIN}") from error


def migration() -> str:
    """Derive the first migration from the models."""
    from modelmigrate.migrations.create import create_migrations

    if any(project.migrations_dir().glob("*.sql")):
        return "migrations/ has its first file already"
    created = create_migrations("initial").files
    return f"migrations/{created[0].name}" if created else "the models declare nothing"


def repository() -> str:
    """Make the first commit, unless the project already lies in a repository."""
    if not shutil.which("git"):
        raise StepSkipped(f"git is not installed. {AGAIN}")
    found = run("git", "rev-parse", "--show-toplevel")
    if found.returncode == 0 and Path(found.stdout.strip()).resolve() != project.root():
        return "inside another git repository: commit there when you like"
    if run("git", "rev-parse", "--verify", "HEAD").returncode == 0:
        return "git has its first commit already"
    for command in (
        ("init", "--quiet", "--initial-branch", "main"),
        ("add", "--all"),
        ("commit", "--quiet", "--message", "Start from the template"),
    ):
        finished = run("git", *command)
        if finished.returncode:
            raise StepSkipped(f"git {command[0]} says: {words(finished)}. {AGAIN}")
    return "first commit on branch main"


def uv() -> str:
    """A uv that really starts: a version manager's shim may have none behind it."""
    candidates = [os.environ.get("UV"), *(shutil.which("uv", path=p) for p in os.get_exec_path())]
    for candidate in filter(None, candidates):
        if run(candidate, "--version").returncode == 0:
            return candidate
    raise StepSkipped(f"uv is not installed: pip install uv. {AGAIN}")


def environment() -> dict[str, str]:
    """For children: neither the virtual environment that a hook may run in, which uv must not mistake
    for ours, nor the path to the wheel that this program may have been started from."""
    foreign = ("VIRTUAL_ENV", "PYTHONPATH")
    return {key: value for key, value in os.environ.items() if key not in foreign}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=project.root(),
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def words(finished: subprocess.CompletedProcess[str]) -> str:
    """The first and the last line of what a program said: what went wrong, and why."""
    lines = (finished.stderr or finished.stdout).strip().splitlines()
    return " ... ".join(dict.fromkeys(line.strip() for line in (*lines[:1], *lines[-1:])))


def schema() -> int:
    """The second half, inside the project's environment."""
    from modelmigrate.errors import MigrateError
    from modelmigrate.postgres import server

    signal.signal(signal.SIGINT, interrupt_once)
    idle = not any(map(server.is_running, server.SERVERS))
    try:
        return run_steps(atlas, postgres, migration)
    except MigrateError as error:
        print(f"  FAILED    migration   {error}", flush=True)
        return FAILED
    finally:
        if idle:
            server.stop_servers()


def interrupt_once(*_: object) -> None:
    """Whoever presses Ctrl-C twice shall not disturb the cleaning up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def run_schema() -> int:
    """Start the second half and see it out: an interrupt is its own to clean up after."""
    arguments = (
        "run",
        "--no-sync",
        "--quiet",
        "python",
        "-m",
        "modelmigrate.service.setup",
        "--schema-only",
    )
    with subprocess.Popen((uv(), *arguments), cwd=project.root(), env=environment()) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue


def set_up(*, commit: bool) -> int:
    code = run_steps(settings, lock, install)
    if code == DONE:
        code = run_schema()
    else:
        print("  NOT DONE  migration   waits for the steps above", flush=True)
    if commit and code in (DONE, WAITING):
        code = max(code, run_steps(repository))
    return code


def main() -> int:
    parser = argparse.ArgumentParser(prog="make setup", description=__doc__)
    parser.add_argument("--no-commit", action="store_true", help="leave git alone")
    parser.add_argument("--schema-only", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        code = schema() if arguments.schema_only else set_up(commit=not arguments.no_commit)
    except KeyboardInterrupt:
        code = STOPPED
    if code == STOPPED and not arguments.schema_only:
        print("\nstopped: what is done is kept. Go on with: make setup", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
