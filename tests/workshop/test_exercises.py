"""Each exercise: its start fails, its solution passes, a wrong answer is told why, work is kept."""

import pytest

from tests.workshop.answers import WRONG, Wrong, work
from tests.workshop.conftest import Participant, Room
from workshop.participant.exercise import Exercise, exercises

EXERCISES = pytest.mark.parametrize("exercise", exercises(), ids=lambda each: each.folder.name)


@EXERCISES
def test_the_start_fails_and_the_solution_passes(
    exercise: Exercise, participant: Participant, room: Room
) -> None:
    number = str(exercise.number)
    shown = participant.ok("exercise", number)
    assert exercise.heading in shown
    assert exercise.text.strip() in shown
    code, said = participant.run("check")
    assert code == 1
    assert said.startswith("note: the board was not told")
    assert "\nNot yet: " in said
    bundle = f"solution-{number}.bundle"
    handed_out = participant.folder.parent / bundle
    handed_out.write_bytes((room.folder / "solutions" / bundle).read_bytes())
    assert "The solution is in place" in participant.ok("solution", number)
    assert "is done" in participant.ok("check")
    assert participant.git("status", "--porcelain") == ""
    handed_out.unlink()


@pytest.mark.parametrize("wrong", WRONG, ids=lambda each: f"{each.exercise}: {each.why}")
def test_a_wrong_answer_is_told_what_is_missing_and_reset_keeps_it(
    wrong: Wrong, participant: Participant
) -> None:
    participant.ok("exercise", str(wrong.exercise))
    files, database = participant.files(), participant.database()
    branches = set(participant.git("branch", "--list", "mine/*").split())
    work(participant, wrong.steps)
    mine = participant.files()
    code, said = participant.run("check")
    assert (code, wrong.said in said) == (1, True), said
    kept = participant.ok("reset")
    assert participant.files() == files
    assert participant.database() == database
    assert participant.git("status", "--porcelain") == ""
    if mine != files:
        [branch] = set(participant.git("branch", "--list", "mine/*").split()) - branches
        assert branch in kept
        saved = participant.git("ls-tree", "-r", "--name-only", "-z", branch).split("\0")
        assert sorted(filter(None, saved)) == sorted(mine)
        user = "src/domain/models/user.py"
        assert participant.git("show", f"{branch}:{user}").encode() == mine[user]
