"""All rows of a table are deleted."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile, Step

CALLS = ("SELECT 1", "SELECT 0", "CALL", "DO")  # what runs functions and blocks


def find(file: ObservedFile) -> Iterator[Found]:
    """DELETE without a condition, and TRUNCATE."""
    for step in file.steps:
        # TRUNCATE in a function gives a table another file, and changes nothing else.
        emptied = [
            table
            for table, mode in step.locks.items()
            if mode == "AccessExclusiveLock"
            and step.is_table(table)
            and (step.tag == "TRUNCATE TABLE" or (step.tag in CALLS and is_emptied(step, table)))
        ]
        for table in [*emptied, *step.changed_by("Delete", whole=True)]:
            if step.is_old(table):
                yield Found(step, f"TABLE {step.after.name(table)}", "loses all of its rows", table)


def is_emptied(step: Step, table: int) -> bool:
    """Whether a table has another file, and is the same otherwise."""
    columns = step.changed(lambda each: each.columns) + step.made(lambda each: each.columns)
    return step.is_rewritten(table) and not columns


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
        Example("CREATE TABLE a (id int)", "DO $$ BEGIN DELETE FROM a; END $$"),
        Example(
            "CREATE TABLE a (id int); CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'TRUNCATE a'",
            "SELECT f()",
        ),
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
