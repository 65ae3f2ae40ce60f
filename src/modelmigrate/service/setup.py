"""A fresh checkout made ready to work on; also run when the project is generated.

Every step can be repeated safely and reports in one line. A step that cannot be done now says how to
fix that, and nothing is undone. Exit codes: 0 all done, 3 a step is not done, 10 PostgreSQL or Atlas
refused the schema, 130 interrupted. No crash has the exit code 10, which may cost the project.
"""

# The first half needs a Python >= 3.10 and nothing else, for it runs from the wheel before anything
# is installed: nothing of a third party may be imported at the top. The second half runs in the
# environment that the first one has installed, and imports what it needs in its steps.

import argparse
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from modelmigrate import project
from modelmigrate.errors import MigrateError, SchemaRefusedError
from modelmigrate.isolation import isolated
from modelmigrate.service.environment import (
    damaged_packages,
    environment_folder,
    environment_name,
    made_elsewhere,
    packages_of_others,
    workspace_above,
)
from modelmigrate.service.meanwhile import atlas_meanwhile, notes_on_atlas
from modelmigrate.service.repository import repository, shown
from modelmigrate.service.steps import (
    DONE,
    INCOMPLETE,
    StepSkipped,
    run,
    run_steps,
    skipped,
    start_log,
    summary,
)
from modelmigrate.service.template import cruft_problem
from modelmigrate.terminal import note, say

REFUSED = 10
INTERRUPTED = 130


def settings() -> str:
    """Write `.env` from its example, with generated secrets, readable by this user alone."""
    env = project.root() / ".env"
    if env.exists():
        return ".env is kept as it is"
    example = project.root() / ".env.example"
    if not example.exists():
        return "there is no .env.example, so no .env is needed"
    text = example.read_text(encoding="utf-8")
    content = re.sub("change-me", lambda _: secrets.token_urlsafe(24), text)
    with os.fdopen(os.open(env, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    return ".env is written, with a generated password"


def workspace() -> str:
    """Leave a uv workspace above alone until told otherwise."""
    folder = workspace_above() or project.root()
    path = project.root().relative_to(folder).as_posix()
    raise skipped(
        f"the uv workspace in {folder} takes this project for a member: uv would write the uv.lock and"
        " the .venv there. Nothing there was touched. To keep the project apart, add exclude ="
        f' ["{path}"] to [tool.uv.workspace] in its pyproject.toml. To make it a member, run instead:'
        f" {project.command('setup', workspace=True)}."
    )


def may_lock(*, told: bool) -> bool:
    """Whether uv may lock and install: there is no workspace above, or its lock has this project."""
    folder = workspace_above()
    file = folder and folder / "uv.lock"
    known = f'name = "{project.root().name}"'
    return told or not file or (file.is_file() and known in file.read_text(encoding="utf-8"))


def lock() -> str:
    """Pin every dependency; from uv's cache where the network is down."""
    if os.pathsep in str(project.root()):
        raise skipped(
            f"the project's path has a {os.pathsep} in it, which no virtual environment works with:"
            " move the project."
        )
    finished = run(uv(), "lock", "--quiet")
    if finished.returncode and run(uv(), "lock", "--offline").returncode:
        raise skipped(f"uv lock failed: {summary(finished)}")
    file = (workspace_above() or project.root()) / "uv.lock"
    packages = file.read_text(encoding="utf-8").count("[[package]]")
    return f"{'uv.lock' if file.parent == project.root() else file} pins {packages} packages"


def install() -> str:
    """Install what is locked into the project's environment."""
    if others := packages_of_others():
        raise skipped(
            f"{environment_name()} holds packages of something else"
            f" ({shown(others)}), which uv would remove. Nothing was installed. Unset the variable, or"
            " name an empty folder; if all of that may go: uv sync."
        )
    if workspace_above():  # whose environment is not ours to recreate
        sync("--inexact")
        return f"what this project needs is in {environment_name()}"
    recreated = made_elsewhere()
    if recreated:
        clear = ("venv", "--quiet", "--clear", str(environment_folder()))
        if (finished := run(uv(), *clear)).returncode:
            raise skipped(f"uv venv failed: {summary(finished)}")
    sync()
    if damaged := damaged_packages():
        sync("--reinstall")
        recreated = True
    if damaged and (damaged := damaged_packages()):
        raise skipped(f"{environment_name()} lacks files of {shown(damaged)}: is the disk full?")
    remark = ", which was recreated" if recreated else ""
    return f"everything locked is in {environment_name()}{remark}"


def sync(*options: str) -> None:
    """Make the environment what the lock says."""
    finished = run(uv(), "sync", "--locked", "--quiet", *options)
    if finished.returncode and run(uv(), "sync", "--locked", "--offline", *options).returncode:
        raise skipped(f"uv sync failed: {summary(finished)}")


def atlas() -> str:
    """Find Atlas, or build it."""
    from modelmigrate.atlas.binary import atlas_binary

    if notes := notes_on_atlas():
        note(notes)
    return str(atlas_binary())


def postgres() -> str:
    """Start the server of the scratch databases."""
    from modelmigrate.postgres.environments import server_status
    from modelmigrate.postgres.scratch import scratch_database

    with scratch_database():
        server = server_status()
        return f"{server.version}, from {server.source}"


def migration() -> str:
    """Create the first migration from the models."""
    from modelmigrate.atlas.directory import has_migrations
    from modelmigrate.migrations.create import create_migrations

    if has_migrations():
        return "migrations/ has its first migration already"
    created = create_migrations("initial").files
    return f"migrations/{created[0].name}" if created else "the models declare nothing"


def uv() -> str:
    """The path of a uv that really starts: a version manager's shim may have none behind it."""
    candidates = [os.environ.get("UV"), *(shutil.which("uv", path=p) for p in os.get_exec_path())]
    for candidate in filter(None, candidates):
        if run(candidate, "--version").returncode == 0:
            return candidate
    raise skipped("uv is not installed: pip install uv.")


def schema() -> int:
    """The second half, in the project's environment."""
    signal.signal(signal.SIGINT, interrupt_once)
    was_idle = not with_servers(lambda server: any(map(server.is_running, server.SERVERS)))
    try:
        return run_steps(atlas, postgres, migration, through=(SchemaRefusedError,))
    except SchemaRefusedError as error:
        say(f"  REFUSED   migration   {error}")
        return REFUSED
    finally:
        if was_idle:
            with_servers(lambda server: server.stop_servers())


def with_servers(ask: Callable[[Any], object]) -> object:
    """What there is to say about the servers; nothing where that cannot be loaded, as on a file system
    that is mounted noexec: the steps tell it."""
    with suppress(ImportError):
        from modelmigrate.postgres import server

        return ask(server)
    return None


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
                code = child.wait()
            except KeyboardInterrupt:
                continue
            break
    if code in (DONE, INCOMPLETE, REFUSED, INTERRUPTED):
        return code
    reason = f"the step ended with exit code {code}."
    say(f"  NOT DONE  migration   {skipped(reason)}")
    return INCOMPLETE


def set_up(*, commit: bool, as_member: bool = False, new: bool = False) -> int:
    """Make the project ready; `commit` says whether its first commit is made, too, `as_member` whether
    uv may write into a workspace above, and `new` that the hook tells how it is tied to its template.

    Returns the exit code: see above.
    """
    start_log()
    apart = () if may_lock(told=as_member) else (workspace,)
    with ExitStack() as meanwhile:
        with suppress(OSError, StepSkipped):  # the steps tell it
            if not apart:
                meanwhile.enter_context(atlas_meanwhile(uv()))
        code = run_steps(settings, *apart, lock, install)
        if code == DONE:
            code = run_schema()
        else:
            say("  NOT DONE  migration   needs the steps above")
    if commit and code in (DONE, INCOMPLETE):
        code = max(code, run_steps(repository))
    if not new and (problem := cruft_problem()):
        say(f"  NOTE      updates     {problem}")
    return code


def main() -> int:
    """The command `setup` for a Python without Typer."""
    parser = argparse.ArgumentParser(prog="modelmigrate setup", description=__doc__)
    parser.add_argument("--no-commit", action="store_true", help="leave git alone")
    parser.add_argument("--workspace", action="store_true", help="join the uv workspace above")
    parser.add_argument("--new", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--schema-only", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        if arguments.schema_only:
            code = schema()
        else:
            given = {"as_member": arguments.workspace, "new": arguments.new}
            code = set_up(commit=not arguments.no_commit, **given)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except MigrateError as error:
        note(f"error: {error}")
        code = error.code
    if code == INTERRUPTED and not arguments.schema_only:
        note(f"\nstopped: what is done is kept. Continue with: {project.command('setup')}")
    return code


if __name__ == "__main__":
    sys.exit(main())
