"""A column holds another kind of value."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile

# Programs read and write the types of a family by the same values.
FAMILIES = (
    {"smallint", "integer", "bigint", "numeric", "real", "double precision"},
    {"text", "character varying", "character", "citext", "name"},
    {"timestamp without time zone", "timestamp with time zone"},
    {"time without time zone", "time with time zone"},
    {"json", "jsonb"},
    {"inet", "cidr"},
    {"bit", "bit varying"},
)


def find(file: ObservedFile) -> Iterator[Found]:
    """The old columns of tables whose type is of another family, or that are computed otherwise."""
    for step in file.steps:
        for before, after in step.changed(lambda each: each.columns):
            table = step.after.relations[after.table]
            if not table.is_table or step.follows_parent(table.oid):
                continue
            if before.generated and after.generated and before.default != after.default:
                what = f"is computed as {after.default}, and no longer as {before.default}"
                yield Found(step, f"COLUMN {table.name}.{after.name}", what, table.oid)
            elif before.type_oid != after.type_oid:
                usual = step.old.columns[after.table, after.number].type
                if after.type != usual and not is_family(before.base, after.base):
                    what = f"holds {after.type}, and no longer {before.type}"
                    yield Found(step, f"COLUMN {table.name}.{after.name}", what, table.oid)


def is_family(before: str, after: str) -> bool:
    """Whether programs read and write two types by the same values."""
    return before == after or any({before, after} <= each for each in FAMILIES)


RULE = Rule(
    name="change-type",
    group="backward-incompatible",
    level=Level.WARN,
    title="A column holds another kind of value",
    why="Programs that run read values that they do not expect, and what they write or compare is refused.",
    instead="Add a column of the new type, write both, let programs read the new one, then drop the old one.",
    find=find,
    has_safe_form=False,
    fires=(
        Example("CREATE TABLE a (x bigint)", "ALTER TABLE a ALTER x TYPE text"),
        Example("CREATE TABLE a (x text)", "ALTER TABLE a ALTER x TYPE int USING x::int"),
    ),
    silent=(
        Example("CREATE TABLE a (x varchar(20))", "ALTER TABLE a ALTER x TYPE text"),
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ALTER x TYPE bigint"),
        Example("CREATE TABLE a (x int); CREATE DOMAIN d AS int", "ALTER TABLE a ALTER x TYPE d"),
    ),
)
