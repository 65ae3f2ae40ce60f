"""A new column that every INSERT must fill."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The new columns of old tables that are NOT NULL and have no default."""
    for step in file.steps:
        for key, column in step.after.columns.items():
            before = step.before.columns.get(key)
            if (
                step.is_old(column.table)
                and step.after.relations[column.table].is_table
                and not step.after.relations[column.table].parent
                and key not in step.old.columns
                and column.is_required
                and not (before and before.is_required)
            ):
                table = step.after.name(column.table)
                nullable = f"ALTER TABLE {table} ADD COLUMN {column.name} {column.type};"
                later = (
                    f"-- once every program fills it, and old rows are filled:\n"
                    f"ALTER TABLE {table} ADD CHECK ({column.name} IS NOT NULL) NOT VALID;"
                )
                what = "must be filled by every INSERT from now on"
                label = f"COLUMN {table}.{column.name}"
                yield Found(step, label, what, column.table, f"{nullable}\n{later}")


RULE = Rule(
    name="required-column",
    group="backward-incompatible",
    title="A new column that must be filled",
    why="Programs that run do not know it, and their INSERTs fail; where the table has rows, the migration"
    " itself may fail.",
    instead="Give it a default, or let it be NULL until every program fills it.",
    find=find,
    has_safe_form=False,
    fires=(
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD y int NOT NULL"),
        Example(
            "CREATE TABLE a (x int)",
            "ALTER TABLE a ADD y int NOT NULL DEFAULT 0; ALTER TABLE a ALTER y DROP DEFAULT",
        ),
        Example(
            "CREATE TABLE a (x int)",
            "ALTER TABLE a ADD y int; UPDATE a SET y = 1 WHERE y IS NULL;"
            " ALTER TABLE a ALTER y SET NOT NULL",
        ),
    ),
    silent=(
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD y int NOT NULL DEFAULT 0"),
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD y int"),
        Example("CREATE TABLE a (x int)", "CREATE TABLE b (y int NOT NULL)"),
    ),
    atlas=("MF103",),
)
