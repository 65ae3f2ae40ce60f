"""A key of an existing table is built while everybody waits."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile
from modelmigrate.sql.names import quote, split_name, unquote, with_suffix

KINDS = {"p": "PRIMARY KEY", "u": "UNIQUE", "x": "EXCLUDE"}


def find(file: ObservedFile) -> Iterator[Found]:
    """The new keys of old tables whose index was not there before."""
    for step in file.steps:
        for constraint in step.new_constraints():
            table = step.after.relations[constraint.table]
            if (
                constraint.kind in KINDS
                and step.is_old(constraint.table)
                and constraint.index_oid not in step.before.indexes
                and not step.follows_parent(table.oid)
            ):
                kind = KINDS[constraint.kind]
                safe = ""
                if constraint.kind != "x" and table.kind != "p":
                    columns = constraint.definition.removeprefix(kind)
                    name = quote(with_suffix(unquote(split_name(constraint.name)[1]), "_new"))
                    safe = (
                        "-- atlas:txmode none\n\n"
                        f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table.name}{columns};\n"
                        "-- in the next migration:\n"
                        f"ALTER TABLE {table.name} ADD CONSTRAINT {constraint.name}"
                        f" {kind} USING INDEX {name};"
                    )
                label = f"CONSTRAINT {constraint.name} on {table.name}"
                what = f"({kind}) builds its index while everybody waits"
                yield Found(step, label, what, table.oid, safe)


RULE = Rule(
    name="constraint-builds-index",
    group="lock",
    title="A key is built while everybody waits",
    why="Everybody who reads or writes the table waits until the index is built; it fails where rows are"
    " equal.",
    instead="Build a unique index CONCURRENTLY, then add the constraint USING INDEX. There is none of that"
    " for EXCLUDE.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD UNIQUE (x)"),
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD PRIMARY KEY (x)"),
        Example("CREATE TABLE a (x int4range)", "ALTER TABLE a ADD EXCLUDE USING gist (x WITH &&)"),
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD y int UNIQUE"),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int); CREATE UNIQUE INDEX i ON a (x)",
            "ALTER TABLE a ADD UNIQUE USING INDEX i",
        ),
    ),
    atlas=("PG104", "PG304"),
)
