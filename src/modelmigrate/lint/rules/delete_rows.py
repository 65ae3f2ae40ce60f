"""All rows of a table are deleted."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """DELETE without a condition, and TRUNCATE."""
    for step in file.steps:
        if step.tag == "TRUNCATE TABLE":
            tables = [each for each in step.locks if step.is_table(each)]
        elif step.touches_all_rows():
            tables = step.changed_by("Delete")
        else:
            tables = []
        for table in tables:
            if step.is_old(table):
                yield Found(step, f"TABLE {step.after.name(table)}", "loses all of its rows", table)


RULE = Rule(
    name="delete-rows",
    group="destructive",
    title="All rows of a table are deleted",
    why="They are gone, whatever programs still need of them.",
    instead="Say which rows, by a condition; or do it by hand, after a backup.",
    find=find,
    fires=(
        Example("CREATE TABLE a (id int)", "DELETE FROM a"),
        Example("CREATE TABLE a (id int)", "DELETE FROM a WHERE true"),
        Example("CREATE TABLE a (id int)", "TRUNCATE a"),
        Example(
            "CREATE TABLE a (id int); CREATE TABLE b (id int)",
            "WITH gone AS (DELETE FROM a RETURNING id) INSERT INTO b SELECT id FROM gone",
        ),
    ),
    silent=(
        Example("CREATE TABLE a (id int)", "DELETE FROM a WHERE id = 1"),
        Example("CREATE TABLE a (id int)", "CREATE TABLE b (id int); TRUNCATE b"),
    ),
)
