"""What participants rely on: no work is lost, the board hears of them, messages say what to type."""

import re
import shutil
import sys
from pathlib import Path

from tests.workshop.answers import USER
from tests.workshop.conftest import Participant, Room
from tests.workshop.server import board_of
from workshop.build import create_databases, settings_of
from workshop.plan import make_plan, read_room

NEW = "src/domain/models/new.py"


def saved(participant: Participant, said: str) -> list[str]:
    """The branches that a command says it has kept work on."""
    found = re.findall(r"is on the branch (mine/\S+)\.", said)
    known = participant.git("branch", "--list", "--format=%(refname:short)", "mine/*").split()
    assert set(found) <= set(known)
    return found


def test_all_that_was_done_is_kept_wherever_it_was_done(participant: Participant) -> None:
    participant.ok("exercise", "2")
    participant.edit(USER, '"""People."""', '"""Committed."""')
    participant.git("commit", "--all", "--message", "mine")
    participant.git("switch", "--quiet", "--create", "elsewhere", "start/2")
    participant.edit(USER, '"""People."""', '"""Staged."""')
    participant.git("add", "--all")
    (participant.folder / NEW).write_text('"""Not even added."""\n', encoding="utf-8")
    ignored = participant.folder / "docs" / "schema" / "drawn.svg"
    ignored.parent.mkdir(exist_ok=True)
    ignored.write_text("drawn")
    elsewhere, committed = saved(participant, participant.ok("reset"))
    assert '"""Staged."""' in participant.git("show", f"{elsewhere}:{USER}")
    assert "Not even added" in participant.git("show", f"{elsewhere}:{NEW}")
    assert '"""Committed."""' in participant.git("show", f"{committed}:{USER}")
    assert not (participant.folder / NEW).exists()
    assert ignored.read_text() == "drawn"
    # The same again at once: each has a branch of its own, and nothing is kept where nothing was done.
    names = set()
    for text in ("one", "two"):
        (participant.folder / NEW).write_text(text, encoding="utf-8")
        [name] = saved(participant, participant.ok("reset"))
        assert participant.git("show", f"{name}:{NEW}") == text
        names.add(name)
    assert len(names) == 2
    assert saved(participant, participant.ok("reset")) == []
    shutil.rmtree(ignored.parent)


def test_the_next_exercise_comes_when_the_one_at_hand_is_done(participant: Participant) -> None:
    progress = participant.folder / "workshop" / "progress.jsonl"
    progress.unlink(missing_ok=True)
    for command in ("check", "hint", "reset", "solution"):
        code, said = participant.run(command)
        assert (code, "Begin one: make exercise" in said) == (1, True)
    assert "Exercise 1: " in participant.ok("exercise")
    participant.edit(USER, '"""People."""', '"""Mine."""')
    assert "Exercise 1: " in participant.ok("exercise")
    assert participant.git("status", "--porcelain") != ""  # it was shown again, and not begun again
    with progress.open("a") as lines:
        lines.write('{"exercise": 1, "kind": "passed", "at": 1}\n{"exercise": 1, "ki')
    assert "Exercise 2: " in participant.ok("exercise")


def test_hints_come_one_by_one_and_a_wrong_number_is_told(participant: Participant) -> None:
    participant.ok("exercise", "4")
    given = [line[:13] for _ in range(3) for line in participant.ok("hint").splitlines()[-1:]]
    shown = participant.ok("hint")
    assert shown.count("Hint ") == 3 or given[0] != "Hint 1 of 3: "
    for wanted, told in (("77", "there is no exercise 77"), ("two", "n=two is no number")):
        code, said = participant.run("exercise", wanted)
        assert (code, told in said) == (1, True)
        assert "Nothing was changed" in said


def test_the_doctor_names_what_to_fix_and_ends_with_a_line_for_the_chat(
    participant: Participant,
) -> None:
    said = participant.ok("doctor")
    assert re.search(
        r"^For the chat: ada-lovelace: ready \(.+, Python 3\.\d+\.\d+\)$", said, re.MULTILINE
    )
    file = next((participant.folder / "migrations").glob("*.sql"))
    text = file.read_bytes()
    file.write_bytes(text.replace(b"\n", b"\r\n"))
    code, said = participant.run("doctor", APP_PORT="1" if sys.platform != "linux" else "0")
    file.write_bytes(text)
    assert code == 1
    assert "FIX  line ends" in said
    assert said.splitlines()[-1].startswith("For the chat: ada-lovelace: FIX line ends")


def test_participants_on_one_server_have_a_database_each(
    participant: Participant, room: Room, tmp_path: Path
) -> None:
    url = participant.type("make --silent db-url").strip()
    server = url.replace("/team_directory?", "/?")
    assert server != url
    roster = tmp_path / "roster.csv"
    roster.write_text("name\nAda\nBob\n", encoding="utf-8")
    made = make_plan(roster, tmp_path / "room", 24_000, "http://127.0.0.1:9", server, ())
    create_databases(read_room(tmp_path / "room"), made)
    create_databases(read_room(tmp_path / "room"), made)  # built again
    before = participant.database()
    example = settings_of(made[0], read_room(tmp_path / "room"), "")
    here = {"DATABASE_URL": re.findall(r"^DATABASE_URL=(.*)$", example, re.MULTILINE)[0]}
    assert "/workshop_ada?" in here["DATABASE_URL"]
    assert "ok   databases" in participant.ok("doctor", **here)
    participant.ok("exercise", "4", **here)
    code, said = participant.run("check", **here)
    assert (code, "no migration makes" in said) == (1, True)
    assert participant.database() == before


def test_the_board_hears_of_checks_and_gives_a_solution_once_it_is_released(
    participant: Participant, room: Room, tmp_path: Path
) -> None:
    with board_of(tmp_path / "room", ["Ada Lovelace"]) as board:
        shutil.copytree(room.folder / "solutions", board.folder / "solutions", dirs_exist_ok=True)
        here = {"WORKSHOP_URL": board.room.url, "WORKSHOP_TOKEN": board.room.room_token}
        participant.ok("exercise", "4", **here)
        participant.run("check", **here)
        participant.ok("hint", **here)
        shown = board.cell("ada-lovelace", 4)
        assert shown["state"] == "working"
        assert "no migration makes" in shown["said"]
        assert shown["hints"] >= 1
        code, said = participant.run("solution", **here)
        assert (code, "not released yet: ask your instructor" in said) == (1, True)
        board.ask("POST", "/release/4", cookie=board.enter(board.room.instructor_token))
        board.stop()
        assert "the board was not told" in participant.ok("hint", **here)
        board.start()
        participant.ok("solution", **here)
        assert board.cell("ada-lovelace", 4)["solution"]
        assert board.cell("ada-lovelace", 4)["hints"] > shown["hints"]
        wrong = participant.ok("hint", **here | {"WORKSHOP_TOKEN": "wrong"})
        assert "the board was not told (Unauthorized)" in wrong
