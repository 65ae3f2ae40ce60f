"""A table, or an index of it, is rewritten as a whole."""

from collections.abc import Iterator

from modelmigrate.lint.catalog import Catalog, Relation
from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.rules.delete_rows import CALLS, is_emptied
from modelmigrate.lint.rules.narrow_type import is_converted, is_narrowed
from modelmigrate.lint.steps import ObservedFile, Step


def find(file: ObservedFile) -> Iterator[Found]:
    """The old tables that are rewritten, or whose indexes are, but for those whose columns are
    narrowed, of which that rule says as much."""
    for step in file.steps:
        if step.tag in ("REINDEX", "REFRESH MATERIALIZED VIEW", "TRUNCATE TABLE"):
            continue
        columns = step.changed(lambda each: each.columns)
        narrowed = {after.table for before, after in columns if is_narrowed(before, after)}
        converted = {
            after.table
            for before, after in columns
            if before.type != after.type and is_converted(step, before, after)
        }
        if not converted and step.before.relations is step.after.relations:
            continue
        with_new_indexes = tables_with_new_indexes(step)
        for table in step.after.relations.values():
            if (
                table.kind in "rpm"
                and step.is_old(table.oid)
                and not step.follows_parent(table.oid)
                and table.oid not in narrowed
                and not (step.tag in CALLS and is_emptied(step, table.oid))
                and (
                    table.oid in converted
                    or step.is_table_rewritten(table.oid)
                    or table.oid in with_new_indexes
                )
            ):
                yield Found(step, f"TABLE {table.name}", *why_rewritten(step, table))


def tables_with_new_indexes(step: Step) -> set[int]:
    """The tables of which an index that they had before has a file that was not there."""

    def files(catalog: Catalog) -> dict[tuple[int, str, str], int]:
        return {
            (each.table, each.name, each.definition): catalog.relations[each.oid].file
            for each in catalog.indexes.values()
        }

    before, after = files(step.before), files(step.after)
    known = {(index[0], file) for index, file in before.items()}
    return {
        index[0]
        for index, file in after.items()
        if index in before and (index[0], file) not in known
    }


def why_rewritten(step: Step, table: Relation) -> tuple[str, int, str]:
    """What makes PostgreSQL rewrite a table; the table, and the safe form."""
    for column in step.made(lambda each: each.columns):
        if column.table == table.oid and column.fills_itself:
            add = f"ALTER TABLE {table.name} ADD COLUMN {column.name} {column.type};"
            if column.generated or column.identity:
                return f"is rewritten, to fill {column.name}", table.oid, ""
            default = (
                f"ALTER TABLE {table.name} ALTER COLUMN {column.name} SET DEFAULT {column.default};"
            )
            fill = f'-- then, in batches: modelmigrate backfill {table.name} --set "{column.name} ='
            fill += f' {column.default}" --where "{column.name} IS NULL"'
            what = f"is rewritten, since each row of {column.name} gets a value of its own"
            return what, table.oid, "\n".join([add, default, fill])
    for before, after in step.changed(lambda each: each.columns):
        if before.table == table.oid and before.type != after.type:
            what = f"is rewritten, since {after.name} changes from {before.type} to {after.type}"
            return what, table.oid, ""
    written = step.is_table_rewritten(table.oid)
    return "is rewritten" if written else "has an index rebuilt", table.oid, ""


RULE = Rule(
    name="rewrite-table",
    group="lock",
    title="A table is rewritten",
    why="Everybody who reads or writes it waits until all of its rows and indexes are written, which takes"
    " as much disk again.",
    instead="Add a column that is empty at first, fill it in batches, and let programs move to it.",
    find=find,
    has_safe_form=False,
    fires=(
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ALTER x TYPE bigint"),
        Example(
            "CREATE TABLE a (x int)", "ALTER TABLE a ADD y timestamptz DEFAULT clock_timestamp()"
        ),
        Example(
            "CREATE TABLE a (x int)", "ALTER TABLE a ADD y int GENERATED ALWAYS AS (x * 2) STORED"
        ),
        Example(
            "CREATE TABLE a (x int)", "ALTER TABLE a ADD id bigint GENERATED ALWAYS AS IDENTITY"
        ),
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD id bigserial"),
        Example("CREATE TABLE a (x int)", "ALTER TABLE a SET UNLOGGED"),
        Example("CREATE TABLE a (x timestamp)", "ALTER TABLE a ALTER x TYPE timestamptz"),
        Example("CREATE TABLE a (x int)", "-- atlas:txmode none\n\nVACUUM FULL a"),
        Example("CREATE TABLE a (x int PRIMARY KEY)", "CLUSTER a USING a_pkey"),
    ),
    silent=(
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD y timestamptz DEFAULT now()"),
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD y int NOT NULL DEFAULT 0"),
        Example(
            "CREATE TABLE a (x varchar(9)); CREATE INDEX ON a (x)",
            "ALTER TABLE a ALTER x TYPE text",
        ),
        Example("CREATE TABLE a (x int)", "ALTER TABLE a SET (fillfactor = 80)"),
        Example(
            "CREATE TABLE a (x int, CONSTRAINT k UNIQUE (x)); CREATE UNIQUE INDEX k_new ON a (x)",
            "ALTER TABLE a DROP CONSTRAINT k, ADD CONSTRAINT k UNIQUE USING INDEX k_new DEFERRABLE",
        ),
        Example(
            "CREATE TABLE a (x int)", "CREATE TABLE b (x int); ALTER TABLE b ALTER x TYPE bigint"
        ),
    ),
    atlas=("PG301", "PG302"),
)
