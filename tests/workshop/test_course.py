"""The guide and the sheet, followed to the letter: from a roster to the last exercise, without a network."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import ROOT, SLUG, path_without, run
from tests.template.readme import blocks_of, commands, free_port
from tests.workshop.answers import RIGHT, Edit, work
from tests.workshop.conftest import Participant
from tests.workshop.server import Board
from workshop.participant.exercise import exercises

GUIDE, SHEET = ROOT / "workshop" / "README.md", ROOT / "workshop" / "sheet.md"
NOWHERE = "http://127.0.0.1:9"
PROXIES = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY"), NOWHERE)


class Offline(Participant):
    """A participant whose commands reach no network, and who has nothing installed."""

    def type(self, command: str) -> str:
        done = run(*cut_off(), "bash", "-c", command, at=self.folder, env=self.env())
        assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def env(self) -> Mapping[str, str]:
        parent = self.folder.parent
        here = {"PATH": str(parent / "path"), "HOME": str(parent / "home")}
        return here | {"UV_CACHE_DIR": "", "GOPROXY": "off"} | ({} if cut_off() else PROXIES)


def cut_off() -> list[str]:
    """What is typed before a command so that it has no network; nothing where that is not allowed."""
    for words in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        if shutil.which("unshare") and not run(*words, "true", at=ROOT).returncode:
            return words
    return []


def blocks(document: Path) -> list[list[str]]:
    """The commands of each `bash` block."""
    blocks = blocks_of(document.read_text(encoding="utf-8"))
    return [commands(each.text) for each in blocks if each.language == "bash"]


@pytest.fixture
def instructor(template: Path, workshop: Path) -> Path:
    """A fresh clone, in which the evening before has passed."""
    clone = workshop / "instructor"
    run("git", "clone", "-q", template, clone, at=workshop).check_returncode()
    (clone / "people.csv").write_text(
        "name,email\nAda Lovelace,ada@example.com\n", encoding="utf-8"
    )
    here = {"MAKEFLAGS": f"url=http://127.0.0.1:{free_port()} port={free_port()}"}
    evening, board = blocks(GUIDE)
    for command in evening:
        env = here if "plan" in command else {}
        done = run("bash", "-c", command, at=clone, env=env)
        assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
    [command] = board
    serve(command, clone)
    return clone / "workshop" / "room"


def serve(command: str, clone: Path) -> None:
    """The board is there, and ends by Ctrl-C."""
    with subprocess.Popen(
        ("bash", "-c", command), cwd=clone, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True,
    ) as server:  # fmt: skip
        assert server.stdout
        said = server.stdout.readline() + server.stdout.readline()
        port = int(re.findall(r"http://127\.0\.0\.1:(\d+)/#", said)[0])
        board = Board(clone / "workshop" / "room", port)
        board.wait()
        os.killpg(server.pid, signal.SIGINT)
        assert "Traceback" not in server.communicate(timeout=10)[1]


@pytest.mark.long
def test_the_whole_course_is_walked_through_without_a_network(
    instructor: Path, workshop: Path
) -> None:
    room = workshop / "seat"
    (room / "home").mkdir(parents=True)
    (room / "path").mkdir()
    path_without(room / "path", "uv", "uvx", "atlas", "go", "initdb", "postgres", "pg_ctl")
    [archive] = (instructor / "archives").iterdir()
    [offline] = instructor.glob("offline-*.tar.gz")
    for packed in (archive, offline):
        run("tar", "xzf", packed, at=room).check_returncode()
    for folder in (instructor, room / "workshop-offline"):
        run("sha256sum", "--quiet", "--check", "SHA256SUMS", at=folder).check_returncode()
    ada = Offline(room / SLUG)
    try:
        attend(ada, instructor)
    finally:
        run("bash", "-c", "make db-stop", at=ada.folder, env=ada.env())
        shutil.rmtree(room, ignore_errors=True)
        shutil.rmtree(instructor, ignore_errors=True)


def attend(ada: Offline, instructor: Path) -> None:
    """Follow the sheet, and do every exercise."""
    begin, stuck, check, look = blocks(SHEET)
    for command in begin:
        said = ada.type(command)
    assert exercises()[0].heading in said
    for command in stuck:
        ada.type(command)
    for exercise in exercises():
        assert exercise.heading in ada.type("make exercise")
        work(ada, RIGHT[exercise.number])
        said = "".join(ada.type(command) for command in check)
        assert f"Exercise {exercise.number} is done" in said
    assert "All exercises are done" in said
    solution = "solution-1.bundle"
    shutil.copy2(instructor / "solutions" / solution, ada.folder.parent)
    for command in look:
        assert "The solution is in place" in ada.type(command)
    table = SHEET.read_text(encoding="utf-8").partition("| you want to |")[2]
    for command in re.findall(r"`(make[^`]*)`", table):
        ada.type(command)
    # What the workshop adds leaves the service as good as it was.
    work(ada, ["make reset", Edit("src/domain/errors.py", "\n", "\n")])
    assert ada.git("status", "--porcelain") == ""


def test_every_command_that_the_documents_name_exists(participant: Participant) -> None:
    known = {"make"} | {
        f"make {name}"
        for folder in (ROOT, participant.folder)
        for name in re.findall(r"make ([a-z-]+)", run("make", "help", at=folder).stdout)
    }
    texts = [file.read_text(encoding="utf-8") for file in (GUIDE, SHEET)]
    texts += [each.text + "".join(each.hints) for each in exercises()]
    named = {
        " ".join(words.split()[:2])
        for text in texts
        for words in re.findall(r"(?:`|^|: )(make(?: [a-z][a-z-]+)?)\b(?!=)", text, re.MULTILINE)
    }
    assert len(named) > 10
    assert named <= known


def test_the_sheet_fits_a_page() -> None:
    lines = SHEET.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 66
    assert max(map(len, lines)) <= 115


def test_the_guide_tells_the_timing_that_the_exercises_have() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    for each in exercises():
        last = "yes" if each.short else ""
        row = rf"\| {each.minutes} \| {each.number} {re.escape(each.title)} \| .* \| ?{last} ?\|"
        assert re.search(row, guide), each.title
