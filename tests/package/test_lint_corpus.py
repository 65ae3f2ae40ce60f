"""Every hazard of the corpus is found at its statement, and nothing is said of what is safe.

Each schema has migrations below lines with their titles. A line with a hazard ends with `--!` and the rules
that find it; in those that somebody wrote who did not know the rules, with the reasons for it.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from modelmigrate.atlas.refused_statements import kind_of, runs_outside_transaction
from modelmigrate.lint.findings import find_all
from modelmigrate.lint.levels import level_of
from modelmigrate.lint.observe import Observer, split_with_lines
from modelmigrate.lint.refresh import first_look
from modelmigrate.lint.steps import ObservedFile
from modelmigrate.postgres.scratch import scratch_database
from tests.package.harness import execute, project_of

CORPUS = Path(__file__).parent / "lint_corpus"
SCHEMAS = sorted(each.name for each in CORPUS.iterdir())
WITH_RULES = "directory"
FILE = "migrations/next.sql"
EXPECTED = re.compile(r" *--! (.+)$", re.MULTILINE)

# What no transaction takes back: sequences go on, and tables grow, by which plans are chosen.
STAYS = """
    SELECT oid, pg_relation_size(oid), CASE relkind WHEN 'S' THEN pg_sequence_last_value(oid) END
    FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'm', 'S') ORDER BY oid"""


def cases(name: str) -> list[object]:
    found: list[object] = []
    for schema in SCHEMAS:
        text = (CORPUS / schema / name).read_text(encoding="utf-8")
        parts = re.split(r"^=== (.+)\n", text, flags=re.MULTILINE)
        for title, migration in zip(parts[1::2], parts[2::2], strict=True):
            found.append(pytest.param(schema, migration, id=f"{schema}: {title}"))
    return found


Observe = Callable[[str, str], ObservedFile]


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """The schemas, to be cloned only."""
    with project_of("corpus"), ExitStack() as stack:
        made = {name: stack.enter_context(scratch_database()) for name in SCHEMAS}
        for name, url in made.items():
            execute(url, (CORPUS / name / "schema.sql").read_text(encoding="utf-8"))
        yield made


@pytest.fixture(scope="module")
def observe(urls: dict[str, str]) -> Iterator[Observe]:
    """Run a migration on a schema that no other has changed."""
    with ExitStack() as stack:
        unchanged: dict[str, Observer] = {}

        def observe(name: str, text: str) -> ObservedFile:
            # To clone a schema and to read its catalogs takes longer than most migrations.
            if can_be_taken_back(text):
                if name not in unchanged:
                    clone = stack.enter_context(scratch_database(urls[name]))
                    unchanged[name] = stack.enter_context(Observer(clone))
                observer = unchanged[name]
                before = observer.connection.execute(STAYS).fetchall()
                file = replace(observer.run_down(FILE, text), is_down=False)
                if observer.connection.execute(STAYS).fetchall() != before:
                    del unchanged[name]
                if not file.kept_settings:  # which may have been LOCAL, as a commit would show
                    return file
            with scratch_database(urls[name]) as url, Observer(url) as observer:
                return observer.run(FILE, text)

        yield observe


def can_be_taken_back(text: str) -> bool:
    """Whether all of a migration can be run in one transaction."""
    statements = [sql for sql, _ in split_with_lines(text)]
    return not runs_outside_transaction(text) and not any(
        kind_of(sql, transactional=True) for sql in statements
    )


def findings(file: ObservedFile) -> list[tuple[int, str]]:
    found = find_all([file], level_of(None), {})
    return sorted((each.line, each.rule) for each in found if not each.allowed)


def marks(text: str) -> list[tuple[int, str]]:
    """The lines with a hazard, and what is written there."""
    lines = enumerate(text.splitlines(), 1)
    return [(number, found[1]) for number, line in lines if (found := EXPECTED.search(line))]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_clone_looks_like_what_it_was_cloned_from(urls: dict[str, str], name: str) -> None:
    with scratch_database(urls[name]) as clone:
        versions, catalog = first_look(clone)
        assert catalog.relations
        assert (versions, catalog) == first_look(urls[name])


@pytest.mark.parametrize(("name", "text"), cases("hazards.sql"))
def test_a_hazard_is_found_at_its_statement(observe: Observe, name: str, text: str) -> None:
    file = observe(name, EXPECTED.sub("", text))
    found = findings(file)
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
def test_nothing_is_said_of_what_is_safe(observe: Observe, name: str, text: str) -> None:
    file = observe(name, text)
    assert file.ran
    assert findings(file) == []
