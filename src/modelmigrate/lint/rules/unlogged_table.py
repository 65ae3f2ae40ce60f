"""A table keeps its rows no longer than the server runs."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old tables that become UNLOGGED."""
    for step in file.steps:
        for before, after in step.changed(lambda each: each.relations):
            if before.logged and not after.logged and after.is_table:
                what = "is UNLOGGED from now on: a crash empties it"
                yield Found(step, f"TABLE {after.name}", what, after.oid)


RULE = Rule(
    name="unlogged-table",
    group="destructive",
    title="A table becomes UNLOGGED",
    why="The next crash of the server empties it, and no standby or backup of the log has its rows.",
    instead="Keep it LOGGED; make a table of its own, UNLOGGED, for what may be lost.",
    find=find,
    has_safe_form=False,
    fires=(Example("CREATE TABLE a (x int)", "ALTER TABLE a SET UNLOGGED"),),
    silent=(
        Example("CREATE TABLE a (x int)", "CREATE UNLOGGED TABLE b (x int)"),
        Example("CREATE UNLOGGED TABLE a (x int)", "ALTER TABLE a SET LOGGED"),
    ),
)
