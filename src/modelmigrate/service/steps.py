"""Steps that are run in order and report in one line each, and the programs that they call."""

# As all that `setup` begins with: a Python >= 3.10, and nothing that must be installed.

import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.isolation import isolated
from modelmigrate.terminal import say

DONE = 0
INCOMPLETE = 3

# Lines of another program's output that name a cause which people can do something about.
CAUSE = re.compile(
    r"certificate|proxy|tunnel|TLS|dns error|resolve|refused|timed out|unreachable|denied|permission"
    r"|No space left|read-only|quota|401|403|407|offline|hint:|not permit|incompatible|requires",
    re.IGNORECASE,
)
FRAME = " │╰─▶\N{MULTIPLICATION SIGN}"  # what uv draws around its lines
MOST = 240  # characters of such a line


class StepSkipped(Exception):
    """Why a step is not done, and what to type."""


def skipped(reason: object) -> StepSkipped:
    """The error for a step that is not done, with what to type once the reason is fixed."""
    return StepSkipped(f"{reason} Fix that, then run: {project.command('setup')}")


def run_steps(*steps: Callable[[], str], through: tuple[type[Exception], ...] = ()) -> int:
    """Run the steps in order, a line each; those after one that is not done are not run.

    Only errors of the kinds `through` are raised: whatever else goes wrong is the line of its step.
    """
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
        except through:
            raise
        except StepSkipped as reason:
            outcome, report, needed = "NOT DONE", str(reason), name
        except MigrateError as error:
            outcome, report, needed = "NOT DONE", str(skipped(error)), name
        except Exception as error:  # noqa: BLE001 it must not cost the steps that are done
            keep_log(traceback.format_exc())
            outcome, report, needed = "NOT DONE", str(skipped(unexpected(error))), name
        seconds = time.monotonic() - started
        say(f"  {outcome:<9} {name:<11} {' '.join(report.split())} ({seconds:.1f} s)")
    return INCOMPLETE if needed else DONE


def unexpected(error: Exception) -> str:
    """An error in one line, with the place of the rest."""
    if isinstance(error, OSError):
        return f"{error}."
    cure = " Is its file system mounted noexec?" if "map segment" in str(error) else ""
    return f"{type(error).__name__}: {error}.{cure} All of it is in {log_name()}."


def run(*command: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a program in the project."""
    return subprocess.run(
        command,
        cwd=project.root(),
        env=isolated(),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def summary(finished: "subprocess.CompletedProcess[str]") -> str:
    """What went wrong, in the words of the program: its first line, those that name a cause, and the
    last one; with the place of the rest, which is kept there."""
    keep_log(f"$ {' '.join(finished.args)}\n{finished.stdout}{finished.stderr}")
    output = finished.stderr.strip() or finished.stdout.strip()
    lines = list(filter(None, (line.strip(FRAME) for line in output.splitlines())))
    if not lines:
        return f"exit code {finished.returncode}."
    causes = [line for line in lines[1:] if CAUSE.search(line)][-2:]
    told = list(dict.fromkeys([lines[0], *causes, lines[-1]]))
    text = " ... ".join(line[:MOST] for line in told)
    return text if len(told) == len(lines) else f"{text} (all of it: {log_name()})."


def keep_log(text: str) -> None:
    """Add to the log of the set-up what is too long for a line."""
    file = project.root() / log_name()
    with suppress(OSError):  # the disk may be full
        file.parent.mkdir(exist_ok=True)
        with file.open("a", encoding="utf-8", errors="replace") as log:
            log.write(f"{text.strip()}\n\n")


def start_log() -> None:
    """Forget what earlier runs kept."""
    with suppress(OSError):
        (project.root() / log_name()).unlink()


def log_name() -> str:
    """The log of the set-up, which git ignores."""
    return Path(".cache", "setup.log").as_posix()
