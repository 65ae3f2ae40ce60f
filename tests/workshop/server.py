"""A board that runs as the instructor's command does, and a client of it."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import ROOT
from tests.template.readme import free_port
from workshop.participant.exercise import exercises
from workshop.plan import Participant, Room, make_plan, read_plan, read_room


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def cookie(self) -> str:
        return self.headers["set-cookie"].partition(";")[0]


class Board:
    """What is asked of a board, and the program behind it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def room(self) -> Room:
        return read_room(self.folder)

    @property
    def plan(self) -> list[Participant]:
        return read_plan(self.folder)

    def start(self, *options: str | Path) -> None:
        command = ("board", "--room", self.folder, "--host", "127.0.0.1", *options)
        self.process = subprocess.Popen(
            (sys.executable, "-m", "workshop", *command), cwd=ROOT, stdout=subprocess.DEVNULL
        )
        self.wait()

    def wait(self) -> None:
        """Until it answers."""
        for _ in range(200):
            assert not self.process or self.process.poll() is None, "the board ended"
            try:
                if self.ask("GET", "/").status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the board did not start")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        assert self.process
        self.process.send_signal(how)
        self.process.wait(10)

    def ask(
        self, method: str, path: str, body: Any = None, token: str = "", cookie: str = ""
    ) -> Answer:
        """Send a request; a body that is no bytes goes as JSON."""
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Cookie": cookie} if cookie else {}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), lowered(answer))

    def report(self, participant: str, *events: dict[str, Any], token: str = "") -> Answer:
        """What `make exercise-check` sends."""
        body = {"participant": participant, "now": time.time(), "events": list(events)}
        return self.ask("POST", "/progress", body, token or self.room.room_token)

    def enter(self, token: str) -> str:
        """The cookie of who has entered."""
        return self.ask("POST", "/enter", {"token": token}).cookie

    def snapshot(self) -> dict[str, Any]:
        """What a page that has just been opened is told."""
        cookie = self.enter(self.room.instructor_token)
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request("GET", "/events", headers={"Cookie": cookie})
            for line in connection.getresponse():
                if found := re.match(rb"data: (.*)", line):
                    told: dict[str, Any] = json.loads(found[1])
                    return told
        raise AssertionError("nothing was told")

    def cell(self, participant: str, exercise: int = 1) -> dict[str, Any]:
        """How the page shows a participant in an exercise."""
        rows = {row["id"]: row["cells"] for row in self.snapshot()["participants"]}
        numbers = [each.number for each in exercises()]
        shown: dict[str, Any] = rows[participant][numbers.index(exercise)]
        return shown


def lowered(answer: HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.getheaders()}


def event(kind: str, ago: float = 0, exercise: int = 1, said: str = "") -> dict[str, Any]:
    """Something that happened so many seconds ago."""
    return {"exercise": exercise, "kind": kind, "at": time.time() - ago, "said": said}


@contextmanager
def board_of(folder: Path, names: list[str]) -> Iterator[Board]:
    """A board for these people, with solutions that can be told apart."""
    port = free_port()
    roster = folder.with_suffix(".csv")
    roster.write_text("name\n" + "".join(f"{name}\n" for name in names), encoding="utf-8")
    make_plan(roster, folder, 23_000, f"http://127.0.0.1:{port}", "", ())
    (folder / "solutions").mkdir()
    for exercise in exercises():
        (folder / "solutions" / f"solution-{exercise.number}.bundle").write_text(
            f"the solution of {exercise.number}"
        )
    board = Board(folder, port)
    board.start()
    yield board
    board.stop()
