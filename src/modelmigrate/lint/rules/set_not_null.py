"""A column that had room for NULL has none any more."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import STRENGTH, ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old columns that become NOT NULL by reading all rows."""
    for step in file.steps:
        for before, after in step.changed(lambda each: each.columns):
            table = step.after.relations[after.table]
            read = {
                each for each in step.scanned if each == table.oid or step.is_part(each, table.oid)
            }
            mode, _ = step.held.get(table.oid, ("AccessShareLock", 0))
            blocks = STRENGTH[mode] >= STRENGTH["ShareLock"]  # VALIDATE does not
            if (
                after.not_null > before.not_null
                and read
                and blocks
                and not step.follows_parent(table.oid)
            ):
                name = after.name
                check = f"ALTER TABLE {table.name} ADD CONSTRAINT {name}_given CHECK ({name} IS NOT NULL)"
                safe = (
                    f"{check} NOT VALID;\n-- in the next migration:\n"
                    f"ALTER TABLE {table.name} VALIDATE CONSTRAINT {name}_given;\n"
                    f"-- and in the one after that, which reads no rows:\n"
                    f"ALTER TABLE {table.name} ALTER COLUMN {name} SET NOT NULL;\n"
                    f"ALTER TABLE {table.name} DROP CONSTRAINT {name}_given;"
                )
                label = f"COLUMN {table.name}.{name}"
                yield Found(step, label, "becomes NOT NULL, and all rows are read", table.oid, safe)


RULE = Rule(
    name="set-not-null",
    group="data-dependent",
    title="NOT NULL on a column that has rows",
    why="It fails where a row holds NULL, and everybody waits while all rows are read; programs that"
    " write NULL fail from then on.",
    instead="Fill the rows first. Then add a CHECK that is NOT VALID, validate it, and set NOT NULL:"
    " PostgreSQL takes the CHECK as the proof.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ALTER x SET NOT NULL"),
        Example(
            "CREATE TABLE a (x int)",
            "UPDATE a SET x = 0 WHERE x IS NULL; ALTER TABLE a ALTER x SET NOT NULL",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int, CONSTRAINT c CHECK (x IS NOT NULL))",
            "ALTER TABLE a ALTER x SET NOT NULL; ALTER TABLE a DROP CONSTRAINT c",
        ),
        Example("CREATE TABLE a (x int NOT NULL)", "ALTER TABLE a ALTER x SET NOT NULL"),
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD CONSTRAINT n NOT NULL x NOT VALID"),
        Example(
            "CREATE TABLE a (x int); ALTER TABLE a ADD CONSTRAINT n NOT NULL x NOT VALID",
            "ALTER TABLE a VALIDATE CONSTRAINT n",
        ),
    ),
    atlas=("MF104", "PG303"),
)
