"""A roster becomes a plan, or is refused with every problem at once."""

import csv
import re
import socket
import stat
from pathlib import Path

import pytest

from modelmigrate.errors import Exit, MigrateError
from tests.conftest import ROOT, run
from workshop.plan import Participant, make_plan, port_problems, read_plan, read_room

URL = "http://192.0.2.7:9000"
FIRST_PORT = 22_000


def planned(folder: Path, roster: str, first_port: int = FIRST_PORT) -> list[Participant]:
    file = folder / "roster.csv"
    file.write_text(roster, encoding="utf-8")
    return make_plan(file, folder / "room", first_port, URL, "", ())


def refused(folder: Path, roster: str) -> list[str]:
    """The problems, a line each."""
    with pytest.raises(MigrateError) as refusal:
        planned(folder, roster)
    assert refusal.value.code == Exit.REFUSED
    assert not (folder / "room").exists()
    head, *problems = str(refusal.value).splitlines()
    assert head == "there is no plan yet. Nothing was written."
    return problems


# Names as people have them, and the ids that come of them.
HONEST = {
    "Ada Lovelace": "ada-lovelace",
    "Zoë O'Neill": "zoe-o-neill",
    'Grace "Amazing" Hopper': "grace-amazing-hopper",
    "../../etc/passwd": "etc-passwd",
    "Ünï çødé": "uni-code",
    "山田 太郎": "shan-tian-tai-lang",
    "שרה כהן": "shrh-khn",
    "Bob \N{ROCKET}": "bob",
    "$(id) `id` ; DROP TABLE users": "id-id-drop-table-users",
    "<img src=x onerror=alert(1)>": "img-src-x-onerror-alert-1",
    "4711": "p-4711",
    "n" * 80: "n" * 40,
}


def test_names_give_ids_that_fit_files_databases_and_addresses(tmp_path: Path) -> None:
    made = planned(
        tmp_path, "name\n" + "".join(f'"{n.replace(chr(34), chr(34) * 2)}"\n' for n in HONEST)
    )
    assert {each.name: each.id for each in made} == HONEST
    assert [each.port for each in made] == list(range(FIRST_PORT, FIRST_PORT + len(HONEST)))
    for each in made:
        assert re.fullmatch(r"[a-z0-9_]{1,63}", each.database)
    assert len({each.database for each in made}) == len(HONEST)
    assert read_plan(tmp_path / "room") == made


HOSTILE = {
    "{{ cookiecutter.__class__ }}": "is code",
    "{% raw %}": "is code",
    "=HYPERLINK(1)": "is code",
    "+1": "is code",
    "-2": "is code",
    "@SUM(A1)": "is code",
    "abc\u202egnp": "U+202E",
    "a\u200fb": "U+200F",
    "bell\x07": "U+0007",
    "x" * 300: "has 300 characters",
    "\N{ROCKET}\N{ROCKET}": "no letter that an id could be made of",
}


def test_a_hostile_roster_is_refused_with_every_problem_and_its_line(tmp_path: Path) -> None:
    problems = refused(tmp_path, "name\n" + "".join(f"{name}\n" for name in HOSTILE))
    assert len(problems) == len(HOSTILE)
    for number, (problem, what) in enumerate(zip(problems, HOSTILE.values(), strict=True), 2):
        assert problem.startswith(f"  line {number}: ")
        assert what in problem
        assert problem.isascii()  # nothing of what it complains of reaches the terminal
        assert len(problem) < 200


@pytest.mark.parametrize(
    ("roster", "told"),
    [
        (
            "name,email\nAda,ada@example.com\nAda L.,ADA@example.com\n",
            "is there already, in line 2",
        ),
        ("name\nAda\nada\n", "is there already, in line 2"),
        ("name,id\nAda,a\nBob,a\n", "is there already, in line 2"),
        ("name,id\nAda,../up\n", 'has the id "../up"'),
        ("name,email\nAda,ada at home\n", 'has the address "ada at home"'),
        ("name,email\n,ada@example.com\n", "has no name"),
        ("name\n", "names nobody"),
    ],
)
def test_what_would_not_be_unique_or_usable_is_refused(
    tmp_path: Path, roster: str, told: str
) -> None:
    [problem] = refused(tmp_path, roster)
    assert told in problem


def test_people_of_the_same_name_are_told_apart_by_their_addresses(tmp_path: Path) -> None:
    made = planned(tmp_path, "name;email\nAda;a@example.com\nAda;b@example.com\n")
    assert [each.id for each in made] == ["ada", "ada-2"]


def test_a_port_that_is_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        made = [Participant("ada", "Ada", "", port, "")]
        assert port_problems(made, 9000) == [
            f"port {port} is in use on this machine: choose another first one"
        ]
    assert "is the board's" in port_problems(made, port)[0]


def test_who_comes_late_changes_no_token_and_nobody_else(tmp_path: Path) -> None:
    first = planned(tmp_path, "name\nAda\n")
    room = read_room(tmp_path / "room")
    later = planned(tmp_path, "name\nAda\nBob\n")
    assert later[:1] == first
    assert read_room(tmp_path / "room") == room
    assert stat.S_IMODE((tmp_path / "room" / "room.toml").stat().st_mode) == 0o600


def test_the_command_shows_the_plan_and_writes_it(tmp_path: Path) -> None:
    roster = tmp_path / "my people.csv"
    roster.write_text("name\nAda Lovelace\n", encoding="utf-8")
    room = tmp_path / "room"
    options = (f"roster={roster}", f"room={room}", "only=short", f"port={FIRST_PORT}")
    shown = run("make", "workshop-plan", *options, at=ROOT)
    assert shown.returncode == 0, shown.stderr
    assert f"ada-lovelace  {FIRST_PORT}  workshop_ada_lovelace  Ada Lovelace" in shown.stdout
    assert "1 participants, 3 exercises, 60 minutes" in shown.stdout
    with (room / "plan.csv").open(newline="") as lines:
        assert [row["id"] for row in csv.DictReader(lines)] == ["ada-lovelace"]
    missing = run("make", "workshop-plan", f"roster={room}/none.csv", f"room={room}", at=ROOT)
    assert missing.returncode == 2
    assert "cannot be read" in missing.stderr
    assert "Traceback" not in missing.stderr
