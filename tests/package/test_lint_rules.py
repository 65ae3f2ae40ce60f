"""Each rule finds what its examples say, where they say it, and nothing that only looks like it."""

from collections.abc import Iterator

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
UNION ALL SELECT format('ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC')
UNION ALL SELECT 'DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC'
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with project_of("rules"), scratch_database() as made:
        yield made


def observe(url: str, example: Example) -> ObservedFile:
    for (statement,) in execute(url, EMPTY):
        execute(url, statement)
    execute(url, f"{example.before};")
    with Observer(url) as observer:
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
