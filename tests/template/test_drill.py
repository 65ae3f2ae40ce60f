"""The drill of a deployment, in a service as it was baked: `make deploy-drill`."""

import re
import signal
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

import psutil
import pytest

from tests.conftest import run

STEPS = (
    r"the old version serves .*/users",
    "expanded: the old version runs on the new schema",
    "handed over to a version that is wrong",
    "the smoke test failed: GET /.* is answered 500. Handed back to the old version",
    r"the schema stays, since values would be lost: .*\w+\.drill_after: [1-9]",
    "the schema goes back, proven to lose nothing",
    "the new version waits: it is not ready before its migration",
    "expanded, and handed over to the new version",
    "The gate refuses to contract: the old version is connected",
    "the old version is gone, and the schema contracted",
    "the old version, started again, refuses to be ready",
    "No request was lost",
)


def left_behind() -> list[str]:
    """Folders and processes of a drill."""
    folders = [each.name for each in Path(tempfile.gettempdir()).glob("deploy-drill-*")]
    places = [each.info["cwd"] or "" for each in psutil.process_iter(["cwd"])]
    return folders + [place for place in places if "deploy-drill-" in place]


@pytest.mark.long
def test_a_bad_release_is_taken_back_a_good_one_goes_on_and_no_request_is_lost(fork: Path) -> None:
    drilled = run("make", "deploy-drill", at=fork)
    assert drilled.returncode == 0, drilled.stdout + drilled.stderr
    assert re.search(".*".join(STEPS), drilled.stdout, re.DOTALL), drilled.stdout
    counts = {
        (version, status): int(count)
        for version, status, count in re.findall(
            r"^  (\w+) +(\w+) +(\d+)$", drilled.stdout, re.MULTILINE
        )
    }
    assert {("old", "200"), ("new", "200"), ("wrong", "500")} <= counts.keys()
    assert not any(
        status == "none" or status >= "500" for version, status in counts if version != "wrong"
    )
    picture = ET.parse(fork / "docs" / "schema" / "deploy-drill.svg").getroot()  # noqa: S314 ours
    dots = [each for each in picture.iter() if each.tag.endswith("circle")]
    assert len(dots) == sum(counts.values())
    assert run("git", "status", "--porcelain", at=fork).stdout == ""
    assert left_behind() == []


def test_a_drill_that_is_stopped_leaves_nothing_behind(fork: Path) -> None:
    command = ("uv", "run", "--quiet", "python", "-m", "modelmigrate", "drill")
    with subprocess.Popen(
        command, cwd=fork, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as drill:
        assert drill.stdout
        assert any("the old version serves" in line for line in drill.stdout)
        drill.send_signal(signal.SIGINT)
        said = drill.stdout.read()
    assert drill.returncode == 130, said
    assert "Traceback" not in said
    assert left_behind() == []
