"""The commands of a participant, behind `make exercise` and its like."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.git import git
from modelmigrate.terminal import note

from workshop.participant import progress
from workshop.participant.exercise import Exercise, exercise, exercises
from workshop.participant.progress import FAILED, HINT, PASSED, SOLUTION, STARTED

INTERRUPTED = 130


def show(wanted: str = "") -> str:
    """The exercise at hand until it is done, then the next one, which is begun; or the one wanted."""
    from workshop.participant.begin import begin

    chosen = _numbered(wanted) if wanted else _next()
    if chosen is None:
        return "All exercises are done. To do one again: make exercise n=1"
    lines = []
    if wanted or chosen != _current():
        lines = _about_work(begin(chosen))
        _record(chosen, STARTED)
    return "\n".join([*lines, chosen.heading, "", chosen.text.strip()])


def check(_: str = "") -> str:
    """Look at what was done, and say what is missing.

    Raises:
        MigrateError: something is.
    """
    from workshop.participant.state import State

    chosen = _required()
    try:
        missing = next(chosen.missing(State(chosen)), None)
    except MigrateError as error:
        missing = str(error)
    if missing:
        _record(chosen, FAILED, missing)
        raise MigrateError(
            f"Not yet: {missing}\nmake hint helps, make exercise shows the text again."
        )
    _record(chosen, PASSED)
    rest = _next()
    return f"Exercise {chosen.number} is done. Next: " + ("make exercise" if rest else "a coffee")


def hint(_: str = "") -> str:
    """The next hint; after the last one, all of them."""
    chosen = _required()
    given = sum(e.kind == HINT for e in progress.read() if e.exercise == chosen.number)
    _record(chosen, HINT)
    count = len(chosen.hints)
    shown = chosen.hints[given : given + 1] or chosen.hints
    first = given + 1 if given < count else 1
    return "\n".join(f"Hint {n} of {count}: {text}" for n, text in enumerate(shown, first))


def reset(_: str = "") -> str:
    """Begin the exercise at hand again; what was done is kept on a branch."""
    from workshop.participant.begin import begin

    chosen = _required()
    kept = begin(chosen)
    return "\n".join([*_about_work(kept), f"Exercise {chosen.number} is as it was at its start."])


def solve(wanted: str = "") -> str:
    """Put the solution that the instructor has released in place of what was done, which is kept."""
    from workshop.participant.begin import solve as put_in_place

    chosen = _numbered(wanted) if wanted else _required()
    bundle = progress.released_solution(chosen.number)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "solution.bundle"
        file.write_bytes(bundle)
        git("fetch", "--quiet", str(file), f"+refs/solutions/{chosen.number}:refs/solution")
    kept = put_in_place(chosen, "refs/solution")
    if chosen != _current():
        _record(chosen, STARTED)
    _record(chosen, SOLUTION)
    changes = f"git diff {chosen.start} HEAD"
    return "\n".join([*_about_work(kept), f"The solution is in place. Read it: {changes}"])


def diagnose(_: str = "") -> str:
    """Is all there that the exercises need?"""
    from workshop.participant.doctor import diagnose as report

    return report()


COMMANDS: dict[str, Callable[[str], str]] = {
    "exercise": show,
    "check": check,
    "hint": hint,
    "reset": reset,
    "solution": solve,
    "doctor": diagnose,
}


def _numbered(wanted: str) -> Exercise:
    if not wanted.isdecimal():
        raise MigrateError(f"n={wanted} is no number. Nothing was changed.")
    return exercise(int(wanted))


def _current() -> Exercise | None:
    started = [event.exercise for event in progress.read() if event.kind == STARTED]
    return exercise(started[-1]) if started else None


def _required() -> Exercise:
    """The exercise at hand."""
    if current := _current():
        return current
    raise MigrateError("no exercise was begun. Nothing was changed. Begin one: make exercise")


def _next() -> Exercise | None:
    """The one at hand unless it is done, else the first that is not; None when all are done."""
    done = {e.exercise for e in progress.read() if e.kind in (PASSED, SOLUTION)}
    current = _current()
    at_hand = [current] if current else []
    return next((each for each in (*at_hand, *exercises()) if each.number not in done), None)


def _record(chosen: Exercise, kind: str, said: str = "") -> None:
    if problem := progress.record(chosen.number, kind, said):
        note(f"note: {problem}")


def _about_work(kept: list[str]) -> list[str]:
    return [f"What you did before is on the branch {name}." for name in kept]


def main() -> int:
    """Run one command; a failure becomes a message and its exit code."""
    command, *wanted = sys.argv[1:]
    try:
        project.load_environment()
        print(COMMANDS[command](*wanted[:1]))
    except (MigrateError, OSError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        return error.code if isinstance(error, MigrateError) else Exit.ERROR
    except KeyboardInterrupt:
        print("stopped. Repeat the command to go on.", file=sys.stderr)
        return INTERRUPTED
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main())
