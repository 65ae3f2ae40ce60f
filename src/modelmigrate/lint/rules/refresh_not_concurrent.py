"""A materialized view is refreshed while readers wait."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """REFRESH of an old view with an exclusive lock."""
    for step in file.steps:
        if step.tag == "REFRESH MATERIALIZED VIEW":
            for oid, mode in step.locks.items():
                view = step.after.relations.get(oid)
                if view and view.kind == "m" and mode == "AccessExclusiveLock":
                    safe = f"REFRESH MATERIALIZED VIEW CONCURRENTLY {view.name};"
                    what = "is filled while nobody can read it"
                    yield Found(step, f"MATERIALIZED VIEW {view.name}", what, oid, safe)


RULE = Rule(
    name="refresh-not-concurrent",
    group="lock",
    title="REFRESH without CONCURRENTLY",
    why="Everybody who reads the view waits until its query is done.",
    instead="REFRESH ... CONCURRENTLY, which needs a unique index on the view.",
    find=find,
    fires=(Example("CREATE MATERIALIZED VIEW a AS SELECT 1 AS x", "REFRESH MATERIALIZED VIEW a"),),
    silent=(
        Example(
            "CREATE MATERIALIZED VIEW a AS SELECT 1 AS x; CREATE UNIQUE INDEX ON a (x)",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY a",
        ),
    ),
)
