"""The table of lint rules, and migrations checked by it. A finding is allowed by a line in its file."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.atlas.directory import Migration, read_migrations, require_migrations
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.lint import destructive
from modelmigrate.migrations.branch import compare_branches

ALLOW = "-- lint:allow "


class Rule(NamedTuple):
    """What a rule finds, and how that is said: `<title> in <file>: <verb> <finding>`."""

    title: str
    verb: str
    advice: str
    """Why it hurts, and what to do before it is allowed."""
    find: Callable[[list[Migration]], Iterable[str]]
    """What is wrong with the last of these migrations."""


RULES = (
    Rule(destructive.TITLE, destructive.VERB, destructive.ADVICE, destructive.dropped_objects),
)


def lint_migrations(base: str | None = None) -> str:
    """Check the newest migration, or all that this branch adds to `base`, by every rule.

    Raises:
        MigrateError: a rule finds something that its migration does not allow (exit code 3).
    """
    require_migrations()
    migrations = read_migrations()
    names = compare_branches(base).added if base else [migrations[-1].name]
    reports = [
        describe_violations(rule, violations)
        for rule in RULES
        if (violations := find_violations(rule, migrations, names))
    ]
    if reports:
        accept = f"Then run: {project.command('hash')}"
        raise MigrateError("\n".join([*reports, accept]), Exit.REFUSED)
    return f"No lint findings in {', '.join(names) or 'any new migration'}."


def find_violations(
    rule: Rule, migrations: list[Migration], names: list[str]
) -> list[tuple[str, str]]:
    """The files of these names, each with one thing that the rule finds and the file does not allow."""
    return [
        (migration.name, finding)
        for number, migration in enumerate(migrations, 1)
        if migration.name in names
        for finding in rule.find(migrations[:number])
        if f"{ALLOW}{finding}" not in migration.sql.splitlines()
    ]


def describe_violations(rule: Rule, violations: list[tuple[str, str]]) -> str:
    """What was found, why it hurts, and the lines that allow it."""
    return "\n".join(
        [
            *(f"{rule.title} in {name}: {rule.verb} {finding}" for name, finding in violations),
            f"{rule.advice}, then allow it in its file, above the statement:",
            *(f"{ALLOW}{finding}" for _, finding in violations),
        ]
    )
