"""What the board knows: the events of all participants, in SQLite, and what they come to."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from workshop.participant.exercise import Exercise
from workshop.participant.progress import FAILED, HINT, PASSED, SOLUTION, STARTED
from workshop.plan import Participant

STUBBORN = 3  # checks that fail, until somebody counts as stuck
SCHEMA = """
    CREATE TABLE IF NOT EXISTS events (
        participant TEXT NOT NULL,
        exercise INTEGER NOT NULL,
        kind TEXT NOT NULL,
        sent REAL NOT NULL,
        at REAL NOT NULL,
        said TEXT NOT NULL,
        PRIMARY KEY (participant, sent, exercise, kind)
    );
    CREATE TABLE IF NOT EXISTS released (exercise INTEGER PRIMARY KEY);
"""


class Event(NamedTuple):
    """One thing that happened, by the board's clock."""

    exercise: int
    kind: str
    sent: float
    """When, by the participant's clock: the same event is known again by it."""
    at: float
    """When, by ours."""
    said: str


@dataclass(frozen=True)
class Store:
    """The board's memory, which a restart does not lose."""

    database: sqlite3.Connection
    participants: list[Participant]
    exercises: list[Exercise]

    def add(self, participant: str, events: Iterable[Event]) -> None:
        """Remember events; those that are known already stay as they are."""
        with self.database:
            self.database.executemany(
                "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?)",
                [(participant, e.exercise, e.kind, e.sent, e.at, e.said) for e in events],
            )

    def release(self, exercise: int) -> None:
        """Let the room have a solution."""
        with self.database:
            self.database.execute("INSERT OR IGNORE INTO released VALUES (?)", (exercise,))

    def released(self) -> set[int]:
        """The exercises whose solutions the room may have."""
        return {number for (number,) in self.database.execute("SELECT exercise FROM released")}

    def snapshot(self, now: float) -> dict[str, Any]:
        """All that the page shows; those who have been stuck for longest come first."""
        events: dict[str, list[Event]] = {each.id: [] for each in self.participants}
        query = "SELECT participant, exercise, kind, sent, at, said FROM events ORDER BY at, rowid"
        for participant, *rest in self.database.execute(query):
            if participant in events:  # the plan may be another one since
                events[participant].append(Event(*rest))
        rows: list[dict[str, Any]] = [
            {
                "id": each.id,
                "name": each.name,
                "cells": [cell(exercise, events[each.id], now) for exercise in self.exercises],
            }
            for each in self.participants
        ]
        rows.sort(key=lambda row: (-max(each["stuck"] for each in row["cells"]), row["name"]))
        released = self.released()
        columns = [
            {
                "number": exercise.number,
                "title": exercise.title,
                "minutes": exercise.minutes,
                "done": sum(row["cells"][index]["state"] == "done" for row in rows),
                "released": exercise.number in released,
            }
            for index, exercise in enumerate(self.exercises)
        ]
        return {"exercises": columns, "participants": rows}


def cell(exercise: Exercise, events: list[Event], now: float) -> dict[str, Any]:
    """Where a participant stands in an exercise. Times are whole minutes; `stuck` is -1 for who is not:
    who is, has needed longer than the exercise is meant to take, or has had STUBBORN checks fail."""
    own = [event for event in events if event.exercise == exercise.number]
    started = [event.at for event in own if event.kind == STARTED]
    done = next((event for event in own if event.kind in (PASSED, SOLUTION)), None)
    failed = [event for event in own if event.kind == FAILED]
    at_hand = started and [e.exercise for e in events if e.kind == STARTED][-1] == exercise.number
    result = {
        "state": "done" if done else "working" if at_hand else "left" if started else "new",
        "minutes": 0,
        "stuck": -1,
        "hints": sum(event.kind == HINT for event in own),
        "solution": any(event.kind == SOLUTION for event in own),
        "said": failed[-1].said if failed and not done else "",
    }
    if started:
        result["minutes"] = minutes((done.at if done else now) - started[0])
    if at_hand and not done:
        overdue = started[0] + 60 * exercise.minutes
        since = min([overdue, *(event.at for event in failed[STUBBORN - 1 : STUBBORN])])
        result["stuck"] = minutes(now - since) if since <= now else -1
    return result


def minutes(seconds: float) -> int:
    """Whole minutes, none of them negative."""
    return max(0, int(seconds // 60))


def open_store(file: Path, participants: list[Participant], exercises: list[Exercise]) -> Store:
    """The memory in this file, which is made if need be."""
    file.touch(mode=0o600)
    database = sqlite3.connect(file)
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(SCHEMA)
    return Store(database, participants, exercises)


def collect(store: Store, folder: Path) -> int:
    """Remember what is in the `progress.jsonl` files below a folder, whatever each is called; how many
    lines were understood."""
    known = {each.id for each in store.participants}
    count = 0
    for file in sorted(folder.rglob("*.jsonl")):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                read = json.loads(line)
                at = float(read["at"])
                event = Event(int(read["exercise"]), str(read["kind"]), at, at, str(read["said"]))
            except (ValueError, TypeError, KeyError):
                continue
            if read.get("participant") in known:
                store.add(read["participant"], [event])
                count += 1
    return count
