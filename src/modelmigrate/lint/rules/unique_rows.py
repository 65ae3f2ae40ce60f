"""Rows must be unique that need not be before."""

from collections.abc import Iterator

from modelmigrate.lint.catalog import Index
from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile, Step


def find(file: ObservedFile) -> Iterator[Found]:
    """The new unique indexes of old tables, unless an old one proves the same, or all is NULL."""
    for step in file.steps:
        for index in step.new_indexes():
            table = step.after.relations[index.table]
            if (
                index.unique
                and step.is_old(index.table)
                and not step.follows_parent(table.oid)
                and not is_proven(step, index)
                and not is_empty(step, index)
            ):
                columns = index.definition.partition(" USING ")[2].partition(" (")[2]
                columns = columns.partition(")")[0] if "(" not in columns else columns
                label = f"INDEX {step.after.name(index.oid)}"
                duplicates = (
                    f"-- duplicates, to be cleaned up before:\nSELECT {columns}, count(*) FROM {table.name}"
                    f" GROUP BY {columns} HAVING count(*) > 1;"
                )
                what = f"makes rows of {table.name} unique that need not be before"
                yield Found(step, label, what, table.oid, duplicates)


def is_proven(step: Step, index: Index) -> bool:
    """Whether an old unique index has no more columns than this one, and leaves no rows out."""
    return any(
        each.unique
        and each.table == index.table
        and (
            each.rule == index.rule
            or (set(each.columns) <= set(index.columns) and 0 not in each.columns
                and " WHERE " not in each.definition)
        )
        for each in step.old.indexes.values()
    )  # fmt: skip


def is_empty(step: Step, index: Index) -> bool:
    """Whether a column of it is new, and NULL in all rows."""
    return any(
        (index.table, number) not in step.old.columns and not column.fills_itself
        for number in index.columns
        if (column := step.after.columns.get((index.table, number)))
    )


RULE = Rule(
    name="unique-rows",
    group="data-dependent",
    title="Rows must be unique that need not be before",
    why="It fails where two rows are equal; built CONCURRENTLY, an INVALID index stays behind.",
    instead="Look for duplicates first, and see that programs make no new ones.",
    find=find,
    has_safe_form=False,
    fires=(
        Example(
            "CREATE TABLE a (x int)",
            "-- atlas:txmode none\n\nCREATE UNIQUE INDEX CONCURRENTLY u ON a (x)",
        ),
        Example(
            "CREATE TABLE a (x int, y int, UNIQUE (x, y))",
            "-- atlas:txmode none\n\nCREATE UNIQUE INDEX CONCURRENTLY u ON a (x)",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int UNIQUE, y int)",
            "-- atlas:txmode none\n\nCREATE UNIQUE INDEX CONCURRENTLY u ON a (x, y)",
        ),
        Example("CREATE TABLE a (x int)", "CREATE TABLE b (x int); CREATE UNIQUE INDEX u ON b (x)"),
    ),
    atlas=("MF101", "MF102"),
)
