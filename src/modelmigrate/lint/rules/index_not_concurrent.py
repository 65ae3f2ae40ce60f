"""An index of an existing table is built while writers wait."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.safe_forms import concurrently, is_blocking
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The new indexes of old tables whose building keeps writers out."""
    for step in file.steps:
        constraints = {each.index_oid for each in step.after.constraints.values()}
        for index in step.new_indexes():
            table = step.after.relations[index.table]
            parts = [each for each in step.locks if step.is_part(each, table.oid)]
            if (
                step.is_old(index.table)
                and index.oid not in constraints
                and not step.follows_parent(table.oid)
                and (table.kind != "p" or parts)
                and is_blocking(step, table.oid)
            ):
                label = f"INDEX {step.after.name(index.oid)}"
                safe = concurrently(step.statement) if table.kind != "p" else ""
                yield Found(
                    step, label, f"is built while nobody can write {table.name}", table.oid, safe
                )


RULE = Rule(
    name="index-not-concurrent",
    group="concurrent-index",
    title="An index is built while writers wait",
    why="Everybody who writes the table waits until the index is built.",
    instead="Build it CONCURRENTLY, in a file of its own that begins with `-- atlas:txmode none` and a"
    " blank line. Of a partitioned table: ON ONLY, then one by one CONCURRENTLY, then ATTACH.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int)", "CREATE INDEX i ON a (x)"),
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD y int; CREATE INDEX i ON a (y)"),
        Example("CREATE TABLE a (x int)", "-- atlas:txmode none\n\nCREATE INDEX i ON a (x)"),
        Example("CREATE MATERIALIZED VIEW a AS SELECT 1 AS x", "CREATE INDEX i ON a (x)"),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int)", "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY i ON a (x)"
        ),
        Example("CREATE TABLE a (x int)", "CREATE TABLE b (x int); CREATE INDEX i ON b (x)"),
    ),
    atlas=("PG101",),
)
