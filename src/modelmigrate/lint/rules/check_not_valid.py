"""A check of an existing table reads all of its rows."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.safe_forms import not_valid
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The new checks of old tables that are validated at once."""
    for step in file.steps:
        for constraint in step.new_constraints():
            table = step.after.relations[constraint.table]
            if (
                constraint.kind == "c"
                and constraint.valid
                and step.is_old(table.oid)
                and not step.follows_parent(table.oid)
                and any(each == table.oid or step.is_part(each, table.oid) for each in step.scanned)
            ):
                label = f"CONSTRAINT {constraint.name} on {table.name}"
                what = "reads all rows while everybody waits"
                yield Found(step, label, what, table.oid, not_valid(table.name, constraint))


RULE = Rule(
    name="check-not-valid",
    group="lock",
    title="A CHECK reads all rows while everybody waits",
    why="Everybody who reads or writes the table waits until its rows are checked; it fails where one does"
    " not pass.",
    instead="Add it NOT VALID, and validate it in the next migration: reads and writes go on meanwhile.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD CHECK (x > 0)"),
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD y int CHECK (y > 0)"),
    ),
    silent=(
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD CHECK (x > 0) NOT VALID"),
        Example(
            "CREATE TABLE a (x int); ALTER TABLE a ADD CONSTRAINT c CHECK (x > 0) NOT VALID",
            "ALTER TABLE a VALIDATE CONSTRAINT c",
        ),
    ),
    atlas=("PG305",),
)
