"""A column gets a type that cannot hold all that the old one held."""

import re
from collections.abc import Iterator

from modelmigrate.lint.catalog import Column
from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile, Step

# From a type to those that hold all of its values; every type can be written as text.
HOLD_ALL = {
    "smallint": {"integer", "bigint", "numeric", "real", "double precision"},
    "integer": {"bigint", "numeric", "double precision"},
    "bigint": {"numeric"},
    "real": {"double precision"},
    "date": {"timestamp without time zone", "timestamp with time zone"},
    "timestamp without time zone": {"timestamp with time zone"},
    "character": {"character varying"},
    "json": {"jsonb"},
    "cidr": {"inet"},
}
SIZE = re.compile(r"\((\d+)(?:,(\d+))?\)")


def find(file: ObservedFile) -> Iterator[Found]:
    """The old columns whose values are converted, and may be cut or refused."""
    for step in file.steps:
        for before, after in step.changed(lambda each: each.columns):
            table = after.table
            if is_narrowed(before, after) and is_converted(step, before, after):
                label = f"COLUMN {step.after.name(table)}.{after.name}"
                yield Found(step, label, f"changes from {before.type} to {after.type}", table)


def is_narrowed(before: Column, after: Column) -> bool:
    """Whether the new type of a column may not hold a value of the old one."""
    old, new = SIZE.sub("", before.type), SIZE.sub("", after.type)
    if before.type == after.type or new == "text":
        return False
    if old != new and new not in HOLD_ALL.get(old, ()):
        return True
    return room(after.type) < room(before.type) or decimals(after.type) < decimals(before.type)


def is_converted(step: Step, before: Column, after: Column) -> bool:
    """Whether the values are rewritten. Between timestamps with and without a time zone, they are not
    where the server's time is UTC, as it is on a scratch server, and are everywhere else."""
    return step.is_table_rewritten(after.table) or {
        "timestamp with time zone",
        "timestamp without time zone",
    } == {SIZE.sub("", before.type), SIZE.sub("", after.type)}


def room(name: str) -> float:
    """How much may stand before the decimal point: characters, digits; without end where none is told."""
    found = SIZE.search(name)
    return int(found[1]) - int(found[2] or 0) if found else float("inf")


def decimals(name: str) -> float:
    """How many decimals a type keeps."""
    found = SIZE.search(name)
    return int(found[2] or 0) if found else float("inf")


RULE = Rule(
    name="narrow-type",
    group="data-dependent",
    level=Level.ERROR,
    title="A type that cannot hold all that was there",
    why="Rows that do not fit make the migration fail, or lose a part of their values; all rows are"
    " rewritten while everybody waits.",
    instead="Add a column of the new type, write both, convert the rows in batches, let programs read the"
    " new one, then drop the old one.",
    find=find,
    has_safe_form=False,
    fires=(
        Example("CREATE TABLE a (x varchar(50))", "ALTER TABLE a ALTER x TYPE varchar(20)"),
        Example("CREATE TABLE a (x text)", "ALTER TABLE a ALTER x TYPE int USING x::int"),
        Example("CREATE TABLE a (x numeric(10, 2))", "ALTER TABLE a ALTER x TYPE numeric(10, 4)"),
        Example("CREATE TABLE a (x bigint)", "ALTER TABLE a ALTER x TYPE int"),
    ),
    silent=(
        Example("CREATE TABLE a (x varchar(20))", "ALTER TABLE a ALTER x TYPE varchar(50)"),
        Example("CREATE TABLE a (x varchar(20))", "ALTER TABLE a ALTER x TYPE text"),
        Example("CREATE TABLE a (x numeric(10, 2))", "ALTER TABLE a ALTER x TYPE numeric(12, 2)"),
    ),
)
