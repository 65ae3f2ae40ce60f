"""A column may be NULL from now on."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old columns that lose NOT NULL."""
    for step in file.steps:
        for before, after in step.changed(lambda each: each.columns):
            table = step.after.relations[after.table]
            if (
                before.not_null
                and not after.not_null
                and table.is_table
                and not step.follows_parent(table.oid)
            ):
                label = f"COLUMN {table.name}.{after.name}"
                yield Found(step, label, "may be NULL from now on", table.oid)


RULE = Rule(
    name="drop-not-null",
    group="backward-incompatible",
    level=Level.WARN,
    title="A column may be NULL from now on",
    why="Programs that run read it as if it never were, and fail at the first NULL.",
    instead="Deploy programs first that can read NULL, before any that writes it.",
    find=find,
    has_safe_form=False,
    fires=(Example("CREATE TABLE a (x int NOT NULL)", "ALTER TABLE a ALTER x DROP NOT NULL"),),
    silent=(Example("CREATE TABLE a (x int)", "ALTER TABLE a ALTER x DROP NOT NULL"),),
)
