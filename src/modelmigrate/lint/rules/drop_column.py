"""A column is dropped, perhaps since another one takes its place."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old columns that are gone while their table is not."""
    for step in file.steps:
        gone = step.gone(lambda each: each.columns)
        for column in gone:
            table = step.after.relations.get(column.table)
            if not table or table.kind not in "rpfc":
                continue
            if any(each.table == table.parent and each.name == column.name for each in gone):
                continue  # told of the partitioned table
            twin = next(
                (
                    each.name
                    for key, each in file.end.columns.items()
                    if each.table == table.oid
                    and key not in step.old.columns
                    and each.type == column.type
                ),
                None,
            )
            label = f"COLUMN {table.name}.{column.name}"
            if twin:
                rename = f"ALTER TABLE {table.name} RENAME COLUMN {column.name} TO {twin};"
                what = f"is dropped, and {twin} of the same type is added: its values do not move there"
                yield Found(step, label, what, table.oid, rename)
            else:
                yield Found(step, label, "is dropped", table.oid)


RULE = Rule(
    name="drop-column",
    group="destructive",
    title="A column is dropped",
    why="Its values are gone, and programs that still read or write it fail.",
    instead="Deploy the programs without it first, then drop it. Where it has got another name, rename it,"
    " or keep both names for as long as both versions of the programs run.",
    find=find,
    has_safe_form=False,
    can_wait=True,
    fires=(
        Example("CREATE TABLE a (id int, x text)", "ALTER TABLE a DROP COLUMN x"),
        Example("CREATE TABLE a (id int, x text)", "ALTER TABLE a DROP x, ADD y text"),
    ),
    silent=(
        Example("CREATE TABLE a (id int)", "ALTER TABLE a ADD x int; ALTER TABLE a DROP x"),
        Example("CREATE TABLE a (id int, x text)", "ALTER TABLE a RENAME x TO y"),
    ),
    atlas=("DS103",),
)
