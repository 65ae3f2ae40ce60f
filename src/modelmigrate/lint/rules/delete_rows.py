"""All rows of a table are deleted, or those of before some time."""

import re
from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile, Step

# Not in a string: PostgreSQL writes the conditions of its plans itself.
CLOCK = re.compile(r"\b(now|(clock|statement|transaction)_timestamp)\(|\b(CURRENT_|LOCALTIME)")
# Its plan does not say which of its actions delete; a condition would stand before THEN.
MERGE_DELETES = re.compile(r"\bNOT\s+MATCHED\s+BY\s+SOURCE\s+THEN\s+DELETE\b", re.IGNORECASE)
CALLS = ("SELECT 1", "SELECT 0", "CALL", "DO")  # what runs functions and blocks


def find(file: ObservedFile) -> Iterator[Found]:
    """DELETE without a condition, or with one of the clock; MERGE that deletes; and TRUNCATE."""
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
        for table in step.changed_by("Delete"):
            if step.is_old(table) and is_by_clock(step):
                what = "loses rows by the time at which this runs"
                yield Found(step, f"TABLE {step.after.name(table)}", what, table, "", Level.WARN)
        for table in step.changed_by("Merge"):
            if step.is_old(table) and MERGE_DELETES.search(step.sql):
                what = "loses every row that the source of MERGE lacks"
                yield Found(step, f"TABLE {step.after.name(table)}", what, table)


def is_by_clock(step: Step) -> bool:
    """Whether a condition of a plan that deletes asks what time it is."""
    return any(
        CLOCK.search(str(value))
        for plan in step.plans
        if any(node.get("Operation") == "Delete" for node in plan)
        for node in plan
        for key, value in node.items()
        if key.endswith(("Filter", " Cond"))
    )


def is_emptied(step: Step, table: int) -> bool:
    """Whether a table has another file, and is the same otherwise."""
    columns = step.changed(lambda each: each.columns) + step.made(lambda each: each.columns)
    return step.is_rewritten(table) and not columns


RULE = Rule(
    name="delete-rows",
    group="destructive",
    title="Rows of a table are deleted in bulk",
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
            "CREATE TABLE a (at date)",
            "DO $$ BEGIN DELETE FROM a WHERE at < now() - interval '1 year'; END $$",
        ),
        Example(
            "CREATE TABLE a (id int)",
            "MERGE INTO a USING (VALUES (1)) AS v (id) ON a.id = v.id"
            " WHEN NOT MATCHED BY SOURCE THEN DELETE",
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
