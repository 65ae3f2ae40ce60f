"""A room is built: everybody gets the same, with settings of their own and no solutions."""

import shutil
import stat
import tarfile
import time
from pathlib import Path

import pytest

from modelmigrate.errors import MigrateError
from tests.conftest import SLUG, run
from tests.workshop.conftest import Participant, Room, unpack
from workshop.build import write_archives
from workshop.participant.exercise import FOLDER, Exercise, exercises
from workshop.plan import Participant as Planned
from workshop.plan import read_plan, read_room


def settings(project: Path) -> dict[str, str]:
    lines = (project / ".env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_participants_differ_in_their_settings_alone(room: Room, tmp_path: Path) -> None:
    plan = read_plan(room.folder)
    made = [unpack(archive, tmp_path / archive.name) for archive in room.archives]
    assert len(made) == len(plan) == 4
    assert made[0].files() == made[1].files()
    for participant, planned in zip(made, plan, strict=True):
        own = settings(participant.folder)
        assert own["PARTICIPANT"] == planned.id
        assert own["APP_PORT"] == str(planned.port)
        assert stat.S_IMODE((participant.folder / ".env").stat().st_mode) == 0o600
        assert participant.git("config", "user.name") == f"{planned.name}\n"
        assert participant.git("status", "--porcelain") == ""
    for secret in ("POSTGRES_PASSWORD", "DEVELOPMENT_KEY"):
        assert len({settings(each.folder)[secret] for each in made}) == len(made)


def test_no_archive_has_a_trace_of_a_solution(room: Room, tmp_path: Path) -> None:
    participant = unpack(room.archives[0], tmp_path / "one")
    objects = participant.git("cat-file", "--batch-all-objects", "--batch-check")
    known = {line.split()[0] for line in objects.splitlines()}
    solved = room.folder / "work" / "solved"
    for exercise in exercises():
        name = f"refs/solutions/{exercise.number}"
        commit, tree = run("git", "rev-parse", name, f"{name}^{{tree}}", at=solved).stdout.split()
        assert commit not in known
        assert (tree in known) == (exercise.folder.name == "roll_back")  # to where all begin
    with tarfile.open(room.archives[0]) as tar:
        assert [name for name in tar.getnames() if name.endswith(".patch")] == []
    instructor = {"plan.py", "build.py", "board", "README.md"}
    assert {path.name for path in (participant.folder / "workshop").iterdir()} & instructor == set()


def test_what_participants_get_passes_the_linter_of_the_service(participant: Participant) -> None:
    for command in ("ruff check --no-cache .", "ruff format --no-cache --check ."):
        participant.type(f".venv/bin/{command}")


def test_a_hundred_participants_are_packed_in_seconds(room: Room, tmp_path: Path) -> None:
    many = [
        Planned(f"p-{n}", f"P {n}", f"p{n}@example.com", 8100 + n, f"p_{n}") for n in range(100)
    ]
    began = time.monotonic()
    repository = room.folder / "work" / "room" / SLUG
    archives = list(write_archives(repository, tmp_path / "many", read_room(room.folder), many))
    assert time.monotonic() - began < 20
    assert len(archives) == 100
    last = unpack(archives[-1], tmp_path / "last")
    assert settings(last.folder)["PARTICIPANT"] == "p-99"


@pytest.mark.parametrize("exercise", exercises(), ids=lambda each: each.folder.name)
def test_an_exercise_is_a_folder_that_tells_all(exercise: Exercise) -> None:
    assert exercise.folder.parent == FOLDER
    assert exercise.minutes > 0
    assert len(exercise.hints) >= 2
    assert "make exercise-check" in exercise.text
    assert (exercise.folder / "solution.patch").exists()


def test_an_exercise_is_added_by_its_folder_alone(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "exercises")
    added = tmp_path / "exercises" / "one_more"
    shutil.copytree(FOLDER / "roll_back", added)
    with pytest.raises(MigrateError, match="two exercises have the number 5"):
        exercises(tmp_path / "exercises")
    file = added / "exercise.toml"
    file.write_text(file.read_text().replace("number = 5", "number = 7"))
    assert [each.number for each in exercises(tmp_path / "exercises")] == [1, 2, 3, 4, 5, 6, 7]
    file.write_text("number = 7\ntitel = 1\n")
    with pytest.raises(MigrateError, match="is not understood"):
        exercises(tmp_path / "exercises")


def test_the_exercises_fit_the_two_lengths_of_a_workshop() -> None:
    assert sum(each.minutes for each in exercises()) == 115
    assert sum(each.minutes for each in exercises() if each.short) == 60
