"""A column has another name."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old columns of tables, views and composite types whose name is another one."""
    for step in file.steps:
        for before, after in step.changed(lambda each: each.columns):
            relation = step.after.relations.get(after.table)
            if relation and before.name != after.name and not step.follows_parent(relation.oid):
                label = f"COLUMN {step.before.name(before.table)}.{before.name}"
                yield Found(step, label, f"is called {after.name} from now on", after.table)


RULE = Rule(
    name="rename-column",
    group="backward-incompatible",
    title="A column has another name",
    why="Programs that run use the old name, and fail.",
    instead="Add the new column, keep both in step by a trigger while both versions of the programs run,"
    " fill it in batches, then drop the old one.",
    find=find,
    has_safe_form=False,
    fires=(
        Example("CREATE TABLE a (x int)", "ALTER TABLE a RENAME x TO y"),
        Example("CREATE VIEW a AS SELECT 1 AS x", "ALTER VIEW a RENAME x TO y"),
    ),
    silent=(
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD y int; ALTER TABLE a RENAME y TO z"),
    ),
    atlas=("BC102",),
)
