"""Each rule finds what its examples say, where they say it, and nothing that only looks like it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from modelmigrate.lint.observe import Observer
from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.rules import RULES
from modelmigrate.lint.steps import ObservedFile
from modelmigrate.postgres.scratch import scratch_database
from tests.package.harness import execute, project_of

EMPTY = """
SELECT format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
UNION ALL SELECT format('DROP PUBLICATION %I', pubname) FROM pg_publication
UNION ALL SELECT format('ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC')
UNION ALL SELECT 'DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC'
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with project_of("rules"), scratch_database() as made:
        yield made


@contextmanager
def prepared(url: str, schema: str) -> Iterator[None]:
    """Nothing is in the database but this."""
    for (statement,) in execute(url, EMPTY):
        execute(url, statement)
    execute(url, f"{schema};")
    yield


def observe(url: str, example: Example) -> ObservedFile:
    with prepared(url, example.before), Observer(url) as observer:
        return observer.run("migrations/next.sql", example.migration)


def findings(file: ObservedFile) -> list[tuple[Rule, Found]]:
    return [(rule, found) for rule in RULES for found in rule.find(file)]


def names(examples: str) -> list[object]:
    return [
        pytest.param(rule, example, id=f"{rule.name}-{number}")
        for rule in RULES
        for number, example in enumerate(getattr(rule, examples), 1)
    ]


@pytest.mark.parametrize(("rule", "example"), names("fires"))
def test_a_rule_finds_its_examples(url: str, rule: Rule, example: Example) -> None:
    file = observe(url, example)
    found = [each for each, _ in findings(file)]
    assert found.count(rule) >= 1, [each.name for each in found]


@pytest.mark.parametrize(("rule", "example"), names("silent"))
def test_a_rule_is_silent_where_it_only_looks_like_that(
    url: str, rule: Rule, example: Example
) -> None:
    file = observe(url, example)
    assert file.ran
    said = [found.what for each, found in findings(file) if each == rule]
    assert not said


def test_what_an_earlier_file_read_is_not_told_of_a_later_one(url: str) -> None:
    before = "CREATE TABLE a (x int); ALTER TABLE a ADD CONSTRAINT c CHECK (x > 0) NOT VALID"
    with prepared(url, before), Observer(url) as observer:
        first = observer.run("migrations/1.sql", "ALTER TABLE a VALIDATE CONSTRAINT c;")
        later = observer.run("migrations/2.sql", "ALTER TABLE a DROP CONSTRAINT c;")
        down = observer.run_down(
            "migrations/down/2.sql", "ALTER TABLE a ADD CHECK (x > 0) NOT VALID;"
        )
    assert [bool(each.steps[0].scanned) for each in (first, later, down)] == [True, False, False]
