"""A new table lacks the row security that the others of its schema have."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The new tables without it, where at least half of the old ones of the schema have it."""
    for step in file.steps:
        for table in step.made(lambda each: each.relations):
            end = file.end.relations.get(table.oid)
            if not end or not end.is_table or end.parent or end.row_security:
                continue
            others = [
                each.row_security
                for each in step.old.relations.values()
                if each.is_table and not each.parent and each.schema == table.schema
            ]
            if others and sum(others) * 2 >= len(others):
                safe = f"ALTER TABLE {end.name} ENABLE ROW LEVEL SECURITY;\nCREATE POLICY ..."
                what = f"has no row security; {sum(others)} of {len(others)} tables beside it have"
                yield Found(step, f"TABLE {end.name}", what, 0, safe)


RULE = Rule(
    name="row-security-missing",
    group="security",
    title="A table without the row security of its siblings",
    why="Whoever may read the table sees all of its rows, which is not so for the tables beside it.",
    instead="Switch it on, and say by policies who sees what.",
    find=find,
    fires=(
        Example(
            "CREATE TABLE a (x int); ALTER TABLE a ENABLE ROW LEVEL SECURITY",
            "CREATE TABLE b (x int)",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int); ALTER TABLE a ENABLE ROW LEVEL SECURITY",
            "CREATE TABLE b (x int); ALTER TABLE b ENABLE ROW LEVEL SECURITY",
        ),
        Example("CREATE TABLE a (x int)", "CREATE TABLE b (x int)"),
    ),
)
