"""A table is no child of another one any more."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old tables that join or leave a parent; those of partitions have rules of their own."""
    for step in file.steps:
        for before, after in step.changed(lambda each: each.relations):
            for parent in {*before.inherits} ^ {*after.inherits}:
                left = parent in before.inherits
                if step.is_old(parent):
                    other = step.after.name(parent)
                    what = (
                        f"leaves {other}, whose readers miss its rows"
                        if left
                        else f"joins {other}, whose readers see its rows, too"
                    )
                    yield Found(step, f"TABLE {after.name}", what, after.oid)


RULE = Rule(
    name="no-inherit",
    group="backward-incompatible",
    level=Level.WARN,
    title="A table joins or leaves a parent",
    why="Queries of the parent, and its UPDATE and DELETE, reach the rows of its children: programs see"
    " other rows than before.",
    instead="Deploy programs first that read ONLY the parent, or each table by its name.",
    find=find,
    has_safe_form=False,
    fires=(
        Example(
            "CREATE TABLE a (x int); CREATE TABLE b () INHERITS (a)", "ALTER TABLE b NO INHERIT a"
        ),
        Example("CREATE TABLE a (x int); CREATE TABLE b (x int)", "ALTER TABLE b INHERIT a"),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int)", "CREATE TABLE b () INHERITS (a); ALTER TABLE b NO INHERIT a"
        ),
    ),
)
