"""Every hazard of the corpus is found at its statement, and nothing is said of what is safe.

Each schema has migrations below lines with their titles. A line with a hazard ends with `--!` and the rules
that find it; in those that somebody wrote who did not know the rules, with the reasons for it.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from modelmigrate.lint.findings import find_all
from modelmigrate.lint.levels import level_of
from modelmigrate.lint.observe import Observer
from modelmigrate.lint.steps import ObservedFile
from modelmigrate.postgres.scratch import scratch_database
from tests.package.harness import execute, project_of

CORPUS = Path(__file__).parent / "lint_corpus"
SCHEMAS = sorted(each.name for each in CORPUS.iterdir())
WITH_RULES = "directory"
EXPECTED = re.compile(r" *--! (.+)$", re.MULTILINE)


def cases(name: str) -> list[object]:
    found: list[object] = []
    for schema in SCHEMAS:
        text = (CORPUS / schema / name).read_text(encoding="utf-8")
        parts = re.split(r"^=== (.+)\n", text, flags=re.MULTILINE)
        for title, migration in zip(parts[1::2], parts[2::2], strict=True):
            found.append(pytest.param(schema, migration, id=f"{schema}: {title}"))
    return found


@pytest.fixture(scope="module")
def schemas() -> Iterator[dict[str, str]]:
    with project_of("corpus"), ExitStack() as stack:
        urls = {name: stack.enter_context(scratch_database()) for name in SCHEMAS}
        for name, url in urls.items():
            execute(url, (CORPUS / name / "schema.sql").read_text(encoding="utf-8"))
        yield urls


def lint(schema: str, text: str) -> tuple[ObservedFile, list[tuple[int, str]]]:
    with scratch_database(schema) as url, Observer(url) as observer:
        file = observer.run("migrations/next.sql", text)
        found = list(find_all([file], level_of(None), {}))
    return file, sorted((each.line, each.rule) for each in found if not each.allowed)


def marks(text: str) -> list[tuple[int, str]]:
    """The lines with a hazard, and what is written there."""
    lines = enumerate(text.splitlines(), 1)
    return [(number, found[1]) for number, line in lines if (found := EXPECTED.search(line))]


@pytest.mark.parametrize(("name", "text"), cases("hazards.sql"))
def test_a_hazard_is_found_at_its_statement(schemas: dict[str, str], name: str, text: str) -> None:
    file, found = lint(schemas[name], EXPECTED.sub("", text))
    begins = [step.line for step in file.steps]
    expected = [(max(b for b in begins if b <= line), said) for line, said in marks(text)]
    if name == WITH_RULES:
        rules = [(line, rule) for line, said in expected for rule in said.split()]
        assert found == sorted(rules)
    else:
        # A file that fails is told as that, at its statement, and nothing is linted.
        failed = {step.line for step in file.steps if step.error}
        assert {line for line, _ in found} | failed == {line for line, _ in expected}


@pytest.mark.parametrize(("name", "text"), cases("safe.sql"))
def test_nothing_is_said_of_what_is_safe(schemas: dict[str, str], name: str, text: str) -> None:
    file, found = lint(schemas[name], text)
    assert file.ran
    assert found == []
