"""An index that kept rows unique is dropped."""

from collections.abc import Iterator

from modelmigrate.lint.catalog import Index
from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old unique indexes of no constraint that nothing stands for in the end, while their table and columns
    remain."""
    for step in file.steps:
        constraints = {each.index_oid for each in step.before.constraints.values()}
        for index in step.gone(lambda each: each.indexes):
            columns = [(index.table, each) for each in index.columns if each]
            if (
                index.unique
                and index.oid not in constraints
                and step.is_old(index.table)
                and not step.follows_parent(index.table)
                and all(each in step.after.columns for each in columns)
                and not is_kept(file, index)
            ):
                label = f"INDEX {step.before.name(index.oid)}"
                what = f"kept rows of {step.after.name(index.table)} unique, and is dropped"
                yield Found(step, label, what, index.table)


def is_kept(file: ObservedFile, gone: Index) -> bool:
    """Whether a unique index of the end says the same, or one of fewer columns and all rows."""
    return any(
        each.unique
        and each.table == gone.table
        and (
            each.rule == gone.rule
            or (set(each.columns) <= set(gone.columns) and 0 not in each.columns
                and " WHERE " not in each.definition)
        )
        for each in file.end.indexes.values()
    )  # fmt: skip


RULE = Rule(
    name="drop-unique-index",
    group="backward-incompatible",
    level=Level.WARN,
    title="An index that kept rows unique is dropped",
    why="Rows that programs rely on never to see twice can be written; INSERT ... ON CONFLICT that names its columns"
    " fails.",
    instead="Deploy programs first that do not rely on it.",
    find=find,
    has_safe_form=False,
    fires=(
        Example("CREATE TABLE a (x int); CREATE UNIQUE INDEX i ON a (x)", "DROP INDEX i"),
        Example(
            "CREATE TABLE a (x int); CREATE UNIQUE INDEX i ON a (x)",
            "-- atlas:txmode none\n\nDROP INDEX CONCURRENTLY i",
        ),
    ),
    silent=(
        Example("CREATE TABLE a (x int); CREATE INDEX i ON a (x)", "DROP INDEX i"),
        Example("CREATE TABLE a (x int UNIQUE); CREATE UNIQUE INDEX i ON a (x)", "DROP INDEX i"),
        Example(
            "CREATE TABLE a (x int, y int); CREATE UNIQUE INDEX i ON a (x)",
            "ALTER TABLE a DROP x",
        ),
    ),
)
