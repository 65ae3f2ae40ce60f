"""What a participant has done so far: a file of the project, which the board is told as a whole."""

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError

from modelmigrate import project
from modelmigrate.errors import MigrateError

MOST = 200  # of the newest events that the board is told
PATIENCE = 2  # seconds that the board has to answer
UNREACHABLE = (OSError, ValueError, HTTPException)  # or something else answers
STARTED, FAILED, PASSED, HINT, SOLUTION = "started", "failed", "passed", "hint", "solution"


@dataclass(frozen=True)
class Event:
    """One thing that happened."""

    exercise: int
    kind: str
    """`started`, `failed` or `passed` (of its check), `hint`, `solution`."""
    at: float
    """Seconds since 1970, by the participant's clock."""
    said: str = ""
    """Of a check that failed: what it said."""


def file() -> Path:
    """Where the events are, a line each."""
    return project.root() / "workshop" / "progress.jsonl"


def read(path: Path | None = None) -> list[Event]:
    """The events, oldest first; without a line that a full disk has cut off."""
    path = path or file()
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return list(_understood(lines))


def _understood(lines: list[str]) -> Iterator[Event]:
    for line in lines:
        try:
            values = json.loads(line)
            yield Event(**{key: values[key] for key in values if key != "participant"})
        except (ValueError, TypeError):
            continue


def participant() -> str:
    """The id that the plan gave."""
    return os.environ.get("PARTICIPANT", "somebody")


def record(exercise: int, kind: str, said: str = "") -> str:
    """Add an event, and tell the board; why that could not be, if so."""
    event = Event(exercise, kind, round(time.time(), 3), said[:500])
    with file().open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"participant": participant()} | asdict(event)) + "\n")
    return tell_board()


def tell_board() -> str:
    """Send the events, old ones too: what the board has missed, it then knows. Why not, if so."""
    if not os.environ.get("WORKSHOP_URL"):
        return ""
    events = [asdict(event) for event in read()[-MOST:]]
    body = {"participant": participant(), "now": time.time(), "events": events}
    try:
        _ask("progress", json.dumps(body).encode())
    except UNREACHABLE as error:
        return f"the board was not told ({why(error)}). It will be, with what you do next."
    return ""


def released_solution(number: int) -> bytes:
    """The solution of an exercise, as a git bundle: of the board, or of a file beside the project.

    Raises:
        MigrateError: it is not released yet, or there is no board.
    """
    name = f"solution-{number}.bundle"
    for folder in (project.root(), project.root().parent):
        if (folder / name).is_file():
            return (folder / name).read_bytes()
    by_hand = f"Or put the file {name} beside the project."
    if not os.environ.get("WORKSHOP_URL"):
        raise MigrateError(f"there is no board to ask. Nothing was changed. {by_hand}")
    try:
        return _ask(f"solutions/{number}")
    except HTTPError as error:
        reason = "is not released yet: ask your instructor" if error.code == 403 else f": {error}"
        raise MigrateError(f"the solution {reason}. Nothing was changed. {by_hand}") from None
    except UNREACHABLE as error:
        raise MigrateError(
            f"the board does not answer: {why(error)}. Nothing was changed. {by_hand}"
        ) from None


def why(error: Exception) -> object:
    """What is behind an error of urllib."""
    return error.reason if isinstance(error, URLError) else error


def _ask(path: str, body: bytes | None = None) -> bytes:
    """The board's answer; a proxy of the machine is not asked, for the board is in the room."""
    request = urllib.request.Request(  # noqa: S310 the URL is the instructor's
        f"{os.environ['WORKSHOP_URL'].rstrip('/')}/{path}",
        data=body,
        headers={
            "Authorization": f"Bearer {os.environ.get('WORKSHOP_TOKEN', '')}",
            "Content-Type": "application/json",
        },
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=PATIENCE) as answer:
        content: bytes = answer.read()
    return content
