"""Every hazard of the corpus is found at its line, and nothing is said of what is safe."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelmigrate.lint.findings import find_all
from modelmigrate.lint.levels import level_of
from modelmigrate.lint.observe import Observer
from modelmigrate.postgres.scratch import scratch_database
from tests.package.harness import execute, project_of

CORPUS = Path(__file__).parent / "lint_corpus"
EXPECTED = re.compile(r"--! (.+)$")


def cases(name: str) -> list[object]:
    parts = re.split(r"^=== (.+)\n", (CORPUS / name).read_text(), flags=re.MULTILINE)
    return [
        pytest.param(text, id=title) for title, text in zip(parts[1::2], parts[2::2], strict=True)
    ]


@pytest.fixture(scope="module")
def schema() -> Iterator[str]:
    with project_of("corpus"), scratch_database() as url:
        execute(url, (CORPUS / "schema.sql").read_text())
        yield url


def lint(schema: str, text: str) -> list[tuple[int, str]]:
    with scratch_database(schema) as url, Observer(url) as observer:
        file = observer.run("migrations/next.sql", text)
        assert file.ran or file.steps[-1].error
        found = list(find_all([file], level_of(None), {}))
    return sorted((each.line, each.rule) for each in found if not each.allowed)


@pytest.mark.parametrize("text", cases("hazards.sql"))
def test_a_hazard_is_found_at_its_line(schema: str, text: str) -> None:
    expected = [
        (number, rule)
        for number, line in enumerate(text.splitlines(), 1)
        if (marked := EXPECTED.search(line))
        for rule in marked[1].split()
    ]
    assert lint(schema, EXPECTED.sub("", text)) == sorted(expected)


@pytest.mark.parametrize("text", cases("safe.sql"))
def test_nothing_is_said_of_what_is_safe(schema: str, text: str) -> None:
    assert lint(schema, text) == []
