"""A column loses its default."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old columns that nothing fills any more."""
    for step in file.steps:
        for before, after in step.changed(lambda each: each.columns):
            table = step.after.relations[after.table]
            if (
                before.fills_itself
                and not after.fills_itself
                and table.is_table
                and not step.follows_parent(table.oid)
            ):
                level = Level.ERROR if after.not_null else Level.WARN
                what = f"loses what filled it: {before.default or 'its identity'}"
                yield Found(step, f"COLUMN {table.name}.{after.name}", what, table.oid, "", level)


RULE = Rule(
    name="drop-default",
    group="backward-incompatible",
    title="A column loses its default",
    why="INSERTs that leave it out fail where it is NOT NULL, and write NULL where it is not.",
    instead="Deploy programs first that always fill it.",
    find=find,
    has_safe_form=False,
    can_wait=True,
    fires=(
        Example("CREATE TABLE a (x int DEFAULT 1)", "ALTER TABLE a ALTER x DROP DEFAULT"),
        Example(
            "CREATE TABLE a (x int GENERATED ALWAYS AS IDENTITY)",
            "ALTER TABLE a ALTER x DROP IDENTITY",
        ),
    ),
    silent=(
        Example("CREATE TABLE a (x int DEFAULT 1)", "ALTER TABLE a ALTER x SET DEFAULT 2"),
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ALTER x DROP DEFAULT"),
    ),
)
