"""The board: who may report, watch and release; what it withstands; what it remembers."""

import json
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, run
from tests.workshop.server import Board, board_of, event

PEOPLE = [f"Person {n}" for n in range(100)]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """Shared: each test speaks of a person of its own."""
    with board_of(tmp_path_factory.mktemp("board") / "room", PEOPLE) as board:
        yield board


def test_a_report_needs_the_token_of_the_room(board: Board) -> None:
    for token in ("wrong", board.room.room_token[:-1], "é", " "):
        assert board.report("person-0", event("passed"), token=token).status == 401
    assert (
        board.report("person-0", event("passed"), token=board.room.instructor_token).status == 401
    )
    assert board.cell("person-0")["state"] == "new"
    assert board.report("person-0", event("passed")).status == 204
    assert board.cell("person-0")["state"] == "done"


def test_the_board_is_shown_to_the_room_and_no_further(board: Board) -> None:
    assert board.ask("GET", "/events").status == 401
    assert board.ask("GET", "/events", cookie="board=wrong").status == 401
    assert board.ask("POST", "/enter", {"token": "wrong"}).status == 401
    for token in (board.room.room_token, board.room.instructor_token):
        entered = board.ask("POST", "/enter", {"token": token})
        assert entered.status == 204
        assert "HttpOnly" in entered.headers["set-cookie"]
        assert "SameSite=strict" in entered.headers["set-cookie"]


def test_a_solution_is_released_by_the_instructor_alone(board: Board) -> None:
    room, instructor = board.room.room_token, board.room.instructor_token
    assert board.ask("GET", "/solutions/2", token=room).status == 403
    assert board.ask("POST", "/release/2").status == 401
    assert board.ask("POST", "/release/2", cookie=board.enter(room)).status == 403
    assert board.ask("GET", "/solutions/2", token=room).status == 403
    assert board.ask("POST", "/release/2", cookie=board.enter(instructor)).status == 204
    assert board.ask("GET", "/solutions/2").status == 401
    assert board.ask("GET", "/solutions/2", token=room).body == b"the solution of 2"
    assert board.ask("GET", "/solutions/3", token=room).status == 403
    for path in ("/solutions/77", "/solutions/..%2f..%2froom.toml", "/room.toml", "/../room.toml"):
        assert board.ask("GET", path, token=room).status in (404, 422)


def test_who_is_stuck_for_how_long_and_who_got_help_is_told(board: Board) -> None:
    board.report("person-10", event("started", 5 * 60))
    board.report("person-11", event("started", 22 * 60))
    failures = [event("failed", 60 * (4 - n), said=f"attempt {n}") for n in range(3)]
    board.report("person-12", event("started", 5 * 60), event("hint", 200), *failures)
    board.report("person-13", event("started", 600), event("solution", 60))
    working, overdue, failing, helped = (board.cell(f"person-{n}") for n in (10, 11, 12, 13))
    assert (working["state"], working["minutes"], working["stuck"]) == ("working", 5, -1)
    assert (overdue["state"], overdue["stuck"]) == ("working", 7)  # of 15 minutes
    assert (failing["stuck"], failing["hints"], failing["said"]) == (2, 1, "attempt 2")
    assert (helped["state"], helped["minutes"], helped["solution"]) == ("done", 9, True)
    order = [row["id"] for row in board.snapshot()["participants"]]
    assert order[:2] == ["person-11", "person-12"]


def test_a_clock_that_is_wrong_and_reports_that_are_repeated_change_nothing(board: Board) -> None:
    sent = {"exercise": 1, "kind": "started", "at": 1000.0, "said": ""}
    body = {"participant": "person-14", "now": 1000.0 + 180, "events": [sent]}
    for later in (0, 0.001, 3600):
        again = body | {"now": 1180.0 + later}
        assert board.ask("POST", "/progress", again, board.room.room_token).status == 204
    assert board.cell("person-14")["minutes"] == 3


GOOD = {"participant": "person-15", "now": 1.0, "events": []}
SENT = {"exercise": 1, "kind": "passed", "at": 1.0, "said": ""}
BAD: dict[str, Any] = {
    "no JSON": b"{",
    "another encoding": '{"participant": "ü"}'.encode("utf-16"),
    "a list": [],
    "nothing": {},
    "a number": GOOD | {"participant": 1},
    "too many events": GOOD | {"events": [SENT] * 201},
    "no such kind": GOOD | {"events": [SENT | {"kind": "won"}]},
    "no number": GOOD | {"events": [SENT | {"exercise": "one"}]},
    "a huge number": GOOD | {"events": [SENT | {"exercise": 10**30}]},
    "a long message": GOOD | {"events": [SENT | {"said": "x" * 501}]},
    "not a number": b'{"participant": "person-15", "now": NaN, "events": []}',
    "infinite": b'{"participant": "person-15", "now": 1e999, "events": []}',
    "half a character": b'{"participant": "person-15", "now": 1, "events": [{"exercise": 1,'
    b' "kind": "passed", "at": 1, "said": "\\ud800"}]}',
    "deep": b"[" * 100_000,
    "more than asked": GOOD | {"name": "Bob"},
}


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_report_is_refused_and_the_board_goes_on(board: Board, name: str) -> None:
    answer = board.ask("POST", "/progress", BAD[name], board.room.room_token)
    assert answer.status in (400, 422), answer
    assert board.cell("person-15")["state"] == "new"


def test_an_oversized_report_and_an_unknown_person_are_refused(board: Board) -> None:
    large = b" " * (1 << 20)
    assert board.ask("POST", "/progress", large, board.room.room_token).status == 413
    assert board.report("../../etc/passwd", event("passed")).status == 404
    assert board.report("person-16", event("passed", exercise=77)).status == 204
    assert board.cell("person-16")["state"] == "new"


def test_a_hundred_participants_report_at_once(board: Board) -> None:
    people = [each.id for each in board.plan]
    ready = threading.Barrier(len(people))

    def send(person: str) -> int:
        ready.wait()
        return board.report(person, event("passed", exercise=5)).status

    began = time.monotonic()
    with ThreadPoolExecutor(len(people)) as pool:
        statuses = list(pool.map(send, people))
    assert statuses == [204] * 100
    assert time.monotonic() - began < 15
    done = {each["number"]: each["done"] for each in board.snapshot()["exercises"]}
    assert done[5] == 100


def test_a_page_that_listens_is_told_at_once(board: Board) -> None:
    connection = HTTPConnection("127.0.0.1", board.port, timeout=10)
    connection.request("GET", "/events", headers={"Cookie": board.enter(board.room.room_token)})
    stream = connection.getresponse()

    def told() -> dict[str, Any]:
        while not (line := stream.readline()).startswith(b"data: "):
            assert line
        shown: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
        return shown

    assert told()["instructor"] is False
    began = time.monotonic()
    board.report("person-17", event("started", exercise=4))
    rows = {row["id"]: row["cells"] for row in told()["participants"]}
    assert rows["person-17"][3]["state"] == "working"
    assert time.monotonic() - began < 5
    connection.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_restart_loses_nothing(board: Board, how: signal.Signals) -> None:
    board.report("person-18", event("started", 120), event("hint"))
    board.ask("POST", "/release/4", cookie=board.enter(board.room.instructor_token))
    cookie, before = board.enter(board.room.room_token), board.cell("person-18")
    board.stop(how)
    board.start()
    assert board.cell("person-18") == before
    assert board.ask("GET", "/solutions/4", token=board.room.room_token).status == 200
    assert board.ask("POST", "/release/4", cookie=cookie).status == 403  # it is known still


def test_without_a_network_collected_files_are_read(tmp_path: Path) -> None:
    collected = tmp_path / "collected" / "from usb"
    collected.mkdir(parents=True)
    line = {"participant": "ada", "exercise": 1, "kind": "passed", "at": time.time(), "said": ""}
    stranger = line | {"participant": "eve"}
    lines = [
        json.dumps(line),
        json.dumps(stranger),
        "{",
        "[]",
        '"x"',
        json.dumps(line)[:20],
        "null",
    ]
    (collected / "progress (1).jsonl").write_text("\n".join(lines), encoding="utf-8")
    with board_of(tmp_path / "room", ["Ada"]) as board:
        board.stop()
        board.start("--collect", tmp_path / "collected")
        assert board.cell("ada")["state"] == "done"


def test_a_port_that_is_taken_and_a_missing_plan_are_told(board: Board, tmp_path: Path) -> None:
    taken = run("make", "workshop-board", f"room={board.folder}", at=ROOT)
    assert taken.returncode == 2
    assert f"port {board.port} is in use" in taken.stderr
    unplanned = run("make", "workshop-board", f"room={tmp_path}", at=ROOT)
    assert "First: make workshop-plan" in unplanned.stderr
    assert "Traceback" not in taken.stderr + unplanned.stderr


def test_tokens_are_for_the_instructor_to_read(board: Board) -> None:
    for name in ("room.toml", "board.sqlite"):
        assert (board.folder / name).stat().st_mode & 0o077 == 0
    with sqlite3.connect(board.folder / "board.sqlite") as database:
        dump = "\n".join(database.iterdump())
    assert board.room.room_token not in dump
