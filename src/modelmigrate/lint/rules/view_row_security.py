"""A view shows rows that row security hides."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The views that are new, or lose `security_invoker`, and read a table with row security."""
    for step in file.steps:
        changed = step.changed(lambda each: each.relations)
        lost = [after for before, after in changed if before.invoker and not after.invoker]
        for view in [*step.made(lambda each: each.relations), *lost]:
            end = file.end.relations.get(view.oid)
            if not end or end.kind not in "vm" or end.invoker:
                continue
            tables = [
                file.end.relations[each.table]
                for each in sorted(file.end.reads)
                if each.view == view.oid and file.end.relations[each.table].row_security
            ]
            old = [each for each in tables if each.oid in step.old.relations]
            replaced = view.name in {each.name for each in step.old.relations.values()}
            if old and not (replaced and view not in lost):
                names = ", ".join(each.name for each in old)
                safe = f"ALTER VIEW {end.name} SET (security_invoker = true);"
                label = f"{'MATERIALIZED ' * (end.kind == 'm')}VIEW {end.name}"
                what = f"shows all rows of {names} to whoever may read it"
                yield Found(step, label, what, 0, safe if end.kind == "v" else "")


RULE = Rule(
    name="view-row-security",
    group="security",
    title="A view past row security",
    why="A view reads with the rights of its owner, whom row security does not hold for.",
    instead="Create it WITH (security_invoker = true). A materialized view keeps what its owner saw: grant it"
    " to nobody who may not see all of that.",
    find=find,
    fires=(
        Example(
            "CREATE TABLE a (x int); ALTER TABLE a ENABLE ROW LEVEL SECURITY",
            "CREATE VIEW v AS SELECT * FROM a",
        ),
        Example(
            "CREATE TABLE a (x int); ALTER TABLE a ENABLE ROW LEVEL SECURITY;"
            " CREATE VIEW v WITH (security_invoker = true) AS SELECT * FROM a",
            "CREATE OR REPLACE VIEW v AS SELECT * FROM a",
        ),
        Example(
            "CREATE TABLE a (x int); ALTER TABLE a ENABLE ROW LEVEL SECURITY",
            "CREATE MATERIALIZED VIEW v AS SELECT * FROM a",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int); ALTER TABLE a ENABLE ROW LEVEL SECURITY",
            "CREATE VIEW v WITH (security_invoker = true) AS SELECT * FROM a",
        ),
        Example("CREATE TABLE a (x int)", "CREATE VIEW v AS SELECT * FROM a"),
        Example(
            "CREATE TABLE a (x int); ALTER TABLE a ENABLE ROW LEVEL SECURITY;"
            " CREATE VIEW v AS SELECT * FROM a",
            "CREATE OR REPLACE VIEW v AS SELECT x, 1 AS y FROM a",
        ),
    ),
)
