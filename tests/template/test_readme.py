"""The README's commands, run from a fresh clone."""

import re
from pathlib import Path

from tests.conftest import ROOT, SLUG, run
from tests.template.test_rendering import PROMPTS

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_demo_shows_the_main_job_from_a_fresh_clone(template: Path, workshop: Path) -> None:
    clone = workshop / "fresh-clone"
    run("git", "clone", "-q", template, clone, at=workshop).check_returncode()
    scratch = workshop / "demo"
    scratch.mkdir(mode=0o755)
    shown = run("make", "demo", at=clone, env={"TMPDIR": str(scratch)})
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "NOT DONE" not in shown.stdout
    # A user is made by who shows a token; a taken address, a change by somebody else and a stale one
    # are refused; the second migration is on.
    for promised in (
        "-> 401",
        "-> 201",
        "-> 409",
        "-> 403",
        "-> 200",
        "-> 412",
        'ADD COLUMN "bio"',
    ):
        assert promised in shown.stdout
    assert re.search(r"applied +2\npending +0", shown.stdout)
    [service] = scratch.glob(f"*/{SLUG}")
    assert f"cd {service}" in shown.stdout
    stopped = run("make", "db-stop", at=service)
    assert stopped.stdout.strip() == "nothing was running for this project"


def test_the_test_command_of_the_readme_is_the_one_that_ci_calls() -> None:
    assert "\nmake test " in README
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == "exec make test"


def test_the_readme_names_every_question() -> None:
    assert set(PROMPTS) <= set(re.findall(r"`(\w+)`", README))
