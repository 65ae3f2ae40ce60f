"""A foreign key of an existing table reads all of its rows."""

from collections.abc import Iterator

from modelmigrate.lint.catalog import Constraint
from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.safe_forms import not_valid
from modelmigrate.lint.steps import ObservedFile, Step


def find(file: ObservedFile) -> Iterator[Found]:
    """The new foreign keys of old tables that are validated at once, but for a new column that is NULL."""
    for step in file.steps:
        for constraint in step.new_constraints():
            table = step.after.relations[constraint.table]
            other = step.after.name(constraint.references)
            if (
                constraint.kind == "f"
                and constraint.valid
                and step.is_old(table.oid)
                and not step.follows_parent(table.oid)
                and not step.after.relations[constraint.references].parent
                and not is_empty(step, constraint)
            ):
                label = f"CONSTRAINT {constraint.name} on {table.name}"
                what = f"reads all rows while nobody can write {table.name} or {other}"
                yield Found(step, label, what, table.oid, not_valid(table.name, constraint))


def is_empty(step: Step, constraint: Constraint) -> bool:
    """Whether a column of it is added by the same statement, and NULL in all rows: PostgreSQL reads none then."""
    keys = [(constraint.table, each) for each in constraint.columns]
    return any(
        each not in step.before.columns and not step.after.columns[each].fills_itself
        for each in keys
    )


RULE = Rule(
    name="foreign-key-not-valid",
    group="lock",
    title="A foreign key reads all rows while writers wait",
    why="Everybody who writes one of the two tables waits until the rows are checked; it fails where one"
    " refers to nothing.",
    instead="Add it NOT VALID, and validate it in the next migration: reads and writes go on meanwhile.",
    find=find,
    fires=(
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (y int)",
            "ALTER TABLE b ADD FOREIGN KEY (y) REFERENCES a",
        ),
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (y int)",
            "ALTER TABLE b ADD z int DEFAULT 1 REFERENCES a",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (y int)",
            "ALTER TABLE b ADD FOREIGN KEY (y) REFERENCES a NOT VALID",
        ),
        Example("CREATE TABLE a (x int PRIMARY KEY)", "CREATE TABLE b (y int REFERENCES a)"),
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (y int)",
            "ALTER TABLE b ADD z int REFERENCES a",
        ),
    ),
    atlas=("PG306",),
)
