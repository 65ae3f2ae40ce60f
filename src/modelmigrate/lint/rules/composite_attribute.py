"""A composite type that programs write has one attribute more."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The attributes that old composite types get."""
    for step in file.steps:
        for key, column in step.after.columns.items():
            relation = step.after.relations[column.table]
            if (
                relation.kind == "c"
                and key not in step.before.columns
                and step.is_old(column.table)
            ):
                label = f"COLUMN {relation.name}.{column.name}"
                yield Found(step, label, "is added to a composite type that is in use")


RULE = Rule(
    name="composite-attribute",
    group="backward-incompatible",
    level=Level.WARN,
    title="A composite type gets an attribute",
    why="Programs that write all attributes of it, as ROW(...) or as text, fail: one is missing.",
    instead="Make a type of its own, and a column of that type beside the old one.",
    find=find,
    has_safe_form=False,
    fires=(
        Example(
            "CREATE TYPE t AS (x int); CREATE TABLE a (y t)", "ALTER TYPE t ADD ATTRIBUTE z int"
        ),
    ),
    silent=(
        Example("", "CREATE TYPE t AS (x int); ALTER TYPE t ADD ATTRIBUTE z int"),
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD z int"),
    ),
)
