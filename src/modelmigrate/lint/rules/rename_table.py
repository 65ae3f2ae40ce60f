"""A table, a view or a sequence has another name."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile
from modelmigrate.sql.names import split_name

KINDS = {"v": "VIEW", "m": "MATERIALIZED VIEW", "S": "SEQUENCE"}


def find(file: ObservedFile) -> Iterator[Found]:
    """The old relations whose name or schema is another one, and whose old name nothing has in the end."""
    names = {each.name for each in file.end.relations.values()}
    for step in file.steps:
        schemas = {before.name for before, _ in step.changed(lambda each: each.schemas)}
        renamed = [
            (before, after)
            for before, after in step.changed(lambda each: each.relations)
            if before.name != after.name != step.old.name(after.oid)
            and before.name not in names
            and before.schema not in schemas
            and after.kind in "rpfvmS"
        ]
        for before, after in renamed:
            if after.kind == "S" and len(renamed) > 1:
                continue  # goes with its table
            label = f"{KINDS.get(after.kind, 'TABLE')} {before.name}"
            view = f"CREATE VIEW {before.name} AS SELECT * FROM {after.name};"
            safe = f"{step.statement}\n{view} -- until no program uses the old name"
            what = f"is called {after.name} from now on"
            tables = after.is_table and split_name(before.name)[0] == split_name(after.name)[0]
            yield Found(step, label, what, after.oid, safe if tables else "")


RULE = Rule(
    name="rename-table",
    group="backward-incompatible",
    title="A table or view has another name",
    why="Programs that run use the old name, and fail.",
    instead="Leave a view of the old name, which can be read and written, until no program uses it.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int)", "ALTER TABLE a RENAME TO b"),
        Example("CREATE TABLE a (x int); CREATE SCHEMA s", "ALTER TABLE a SET SCHEMA s"),
        Example("CREATE VIEW a AS SELECT 1 AS x", "ALTER VIEW a RENAME TO b"),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int)", "ALTER TABLE a RENAME TO b; CREATE VIEW a AS SELECT * FROM b"
        ),
        Example("CREATE TABLE a (x int); CREATE INDEX i ON a (x)", "ALTER INDEX i RENAME TO j"),
    ),
    atlas=("BC101",),
)
