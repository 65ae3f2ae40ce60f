"""A table is dropped."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old tables that are gone."""
    for step in file.steps:
        gone = {each.oid: each for each in step.gone(lambda each: each.relations)}
        for table in gone.values():
            if table.kind in "rpf" and table.parent not in gone:
                yield Found(step, f"TABLE {table.name}", "is dropped", table.oid)


RULE = Rule(
    name="drop-table",
    group="destructive",
    title="A table is dropped",
    why="Its rows are gone, and programs that use it fail.",
    instead="Deploy the programs without it first. Keep a copy of its rows if anybody may ask for them."
    " Then drop it, in a migration of its own.",
    find=find,
    has_safe_form=False,
    can_wait=True,
    fires=(
        Example("CREATE TABLE a (id int)", "DROP TABLE a"),
        Example("CREATE SCHEMA s; CREATE TABLE s.a (id int)", "DROP SCHEMA s CASCADE"),
        Example(
            "CREATE TABLE a (id int) PARTITION BY RANGE (id);"
            " CREATE TABLE a1 PARTITION OF a FOR VALUES FROM (1) TO (2)",
            "DROP TABLE a1",
        ),
        Example("CREATE TABLE a (id int)", "DO $$ BEGIN EXECUTE 'DROP TABLE a'; END $$"),
    ),
    silent=(
        Example("CREATE TABLE a (id int)", "CREATE TABLE b (id int); DROP TABLE b"),
        Example("CREATE TABLE a (id int)", "DROP TABLE IF EXISTS b"),
    ),
    atlas=("DS101", "DS102"),
)
