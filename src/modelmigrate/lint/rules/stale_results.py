"""What a function has computed is stored, and the function changes."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile

CURES = {
    "the index": "REINDEX INDEX CONCURRENTLY {};",
    "the materialized view": "REFRESH MATERIALIZED VIEW {};",
}


def find(file: ObservedFile) -> Iterator[Found]:
    """The old functions with another source that something stored was computed by."""
    for step in file.steps:
        for before, after in step.changed(lambda each: each.routines):
            if before.source == after.source:
                continue
            for use in sorted(step.old.uses & step.after.uses):
                if use.routine == after.oid:
                    what = f"changes, and {use.kind} {use.name} keeps what the old one gave"
                    safe = CURES.get(use.kind, "").format(use.name)
                    yield Found(step, f"FUNCTION {after.name}", what, 0, safe)


RULE = Rule(
    name="stale-results",
    group="stale",
    title="A function changes, and its stored results do not",
    why="Queries by the index, and values that were computed, give what the old function gave; no"
    " comparison of schemas shows it.",
    instead="Reindex, refresh, or write the rows again after the change.",
    find=find,
    has_safe_form=False,
    fires=(
        Example(
            "CREATE FUNCTION f(x int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT x';"
            " CREATE TABLE a (x int); CREATE INDEX i ON a (f(x))",
            "CREATE OR REPLACE FUNCTION f(x int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT -x'",
        ),
        Example(
            "CREATE FUNCTION f(x int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT x';"
            " CREATE TABLE a (x int, y int GENERATED ALWAYS AS (f(x)) STORED)",
            "CREATE OR REPLACE FUNCTION f(x int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT -x'",
        ),
        Example(
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';"
            " CREATE MATERIALIZED VIEW a AS SELECT f() AS x",
            "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        ),
    ),
    silent=(
        Example(
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW a AS SELECT f()",
            "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        ),
    ),
)
