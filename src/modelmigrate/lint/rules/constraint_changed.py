"""A constraint says something else than before, or is checked at another time."""

import re
from collections.abc import Iterator

from modelmigrate.lint.catalog import Constraint
from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile, Step

VALUE = re.compile(r"'(?:[^']|'')*'|\b\d+\b")
BOUND = re.compile(r"([<>]=?) \(?'?(-?\d+(?:\.\d+)?)'?\)?")
JOINED = re.compile(r" (AND|OR) ")


def find(file: ObservedFile) -> Iterator[Found]:
    """The constraints that refuse what they took, are checked earlier, or not at all."""
    for step, before, after in pairs(file):
        label = f"CONSTRAINT {after.name} on {step.after.name(after.table)}"
        for what in changes(before.definition, after.definition):
            yield Found(step, label, what, after.table)


def pairs(file: ObservedFile) -> Iterator[tuple[Step, Constraint, Constraint]]:
    """The old constraints that are altered; or that are gone in the end, and a new one of their kind and table
    is about the same columns, at the statement that adds it."""
    old = file.steps[0].old.constraints
    gone = [each for each in old.values() if each.oid not in file.end.constraints]
    for step in file.steps:
        for before, after in step.changed(lambda each: each.constraints):
            yield step, before, after
        for made in step.new_constraints():
            for before in gone:
                if (before.kind, before.table, before.references, sorted(before.columns)) == (
                    (made.kind, made.table, made.references, sorted(made.columns))
                ):
                    yield step, before, made


def changes(before: str, after: str) -> Iterator[str]:
    """What programs notice of another definition."""
    if " NOT ENFORCED" in after and " NOT ENFORCED" not in before:
        yield "is not enforced any more"
    elif " INITIALLY DEFERRED" in before and " INITIALLY DEFERRED" not in after:
        yield "is checked by each statement, and no longer at the end of the transaction"
    elif " DEFERRABLE" in before and " DEFERRABLE" not in after:
        yield "cannot be deferred any more"
    elif lost := sorted(values_lost(before, after)):
        yield f"refuses {', '.join(lost)}, which it took before"


def values_lost(before: str, after: str) -> set[str]:
    """What a check of listed values, or of a number's bounds, no longer takes; empty where the two differ in
    more than that."""
    before, after = before.removesuffix(" NOT VALID"), after.removesuffix(" NOT VALID")
    (column, _, old), (same, _, new) = before.partition(" = "), after.partition(" = ")
    if old and column == same and not JOINED.search(old + new):
        return {*VALUE.findall(old)} - {*VALUE.findall(new)}
    if BOUND.sub(r"\1", before) != BOUND.sub(r"\1", after):
        return set()
    bounds = zip(BOUND.findall(before), BOUND.findall(after), strict=True)
    return {
        f"what is not {sign} {new}"
        for (sign, old), (_, new) in bounds
        if (float(new) < float(old) if "<" in sign else float(new) > float(old))
    }


RULE = Rule(
    name="constraint-changed",
    group="backward-incompatible",
    level=Level.WARN,
    title="A constraint refuses what it took, or is checked otherwise",
    why="Programs that run still write what it refuses now, or in an order that is checked too early; one that is"
    " not enforced lets every row in.",
    instead="Deploy programs first that do without it.",
    find=find,
    has_safe_form=False,
    fires=(
        Example(
            "CREATE TABLE a (x text, CONSTRAINT c CHECK (x IN ('a', 'b')))",
            "ALTER TABLE a DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (x IN ('a', 'c')) NOT VALID",
        ),
        Example(
            "CREATE TABLE a (x int, CONSTRAINT c CHECK (x > 0 AND x <= 10))",
            "ALTER TABLE a DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (x > 0 AND x <= 5) NOT VALID",
        ),
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (y int, CONSTRAINT r FOREIGN KEY (y) REFERENCES a"
            " DEFERRABLE INITIALLY DEFERRED)",
            "ALTER TABLE b ALTER CONSTRAINT r NOT DEFERRABLE",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x text, CONSTRAINT c CHECK (x IN ('a', 'b')))",
            "ALTER TABLE a DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (x IN ('a', 'b', 'c')) NOT VALID",
        ),
        Example(
            "CREATE TABLE a (x int, CONSTRAINT c CHECK (x > 0 AND x <= 10))",
            "ALTER TABLE a DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (x > 0 AND x <= 50) NOT VALID",
        ),
        Example(
            "CREATE TABLE a (x int, CONSTRAINT c CHECK (x > 0))",
            "ALTER TABLE a RENAME CONSTRAINT c TO d",
        ),
    ),
)
