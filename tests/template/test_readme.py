"""The README's commands, run from a fresh clone."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT, SLUG, run
from tests.template.test_rendering import PROMPTS

README = (ROOT / "README.md").read_text(encoding="utf-8")
BENCHMARKS = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")


@pytest.mark.long
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


def test_what_the_readme_shows_of_a_service_is_in_it(service: Path) -> None:
    tree = README.partition("```text\nteam-directory/\n")[2].partition("```")[0]
    shown = [re.split(r"  {2,}", line.strip())[0] for line in tree.splitlines()]
    paths = [path for each in shown for path in each.split()]
    assert len(paths) > 10
    assert [path for path in paths if not (service / path).exists()] == []


def test_the_numbers_of_the_readme_are_those_of_the_benchmarks() -> None:
    told = README.partition("in numbers that a command gives you:")[2].partition("\n**")[0]
    said = set(re.findall(r"(?<![\w.])\d+(?:\.\d+)?", told))
    lint = part(BENCHMARKS, "lint")
    rows = (re.findall(r"\d+", row) for row in lint.splitlines() if row.startswith("| `"))
    # Where all were counted: hazards and safe migrations of ours, then what squawk and Atlas say.
    counted = [sum(map(int, each)) for each in zip(*(row for row in rows if row[4:]), strict=True)]
    expected = {*counted, changes(), 1, 100}
    schema, bake = part(BENCHMARKS, "schema"), part(BENCHMARKS, "bake")
    [promised] = re.findall(r"what a create promises \|.*?\| ([\d.]+)", schema)
    [bare] = re.findall(r"run bare \| ([\d.]+)", bake)
    assert said == {*map(str, expected), promised, bare}, "README's table is to be written again"


def changes() -> int:
    """How many are in the corpus."""
    files = (ROOT / "tests" / "package" / "corpus").glob("*.sql")
    return sum(f"\n{file.read_text(encoding='utf-8')}".count("\n-- case: ") for file in files)


def part(text: str, name: str) -> str:
    return text.partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0]
