"""All rows of a table are read while writers wait, for a reason that no other rule is about."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import STRENGTH, ObservedFile, Step


def find(file: ObservedFile) -> Iterator[Found]:
    """The old tables that a statement locks and reads."""
    for step in file.steps:
        if not step.tag.startswith("ALTER") or has_rule(step):
            continue
        for table in sorted(step.scanned):
            strength = STRENGTH[step.locks.get(table, "AccessShareLock")]
            if strength >= STRENGTH["ShareLock"] and not step.is_table_rewritten(table):
                label = f"TABLE {step.after.name(table)}"
                yield Found(step, label, "has all of its rows read while writers wait", table)


def has_rule(step: Step) -> bool:
    """Whether what makes PostgreSQL read the rows has a rule of its own."""
    constraints = step.new_constraints()
    indexes = step.new_indexes()
    columns = step.changed(lambda each: each.columns)
    required = [each for each in step.made(lambda each: each.columns) if each.is_required]
    partitions = [each for each in step.after.relations.values() if each.parent]
    joined = [each for each in partitions if not step.parent_before(each.oid)]
    return bool(
        constraints
        or indexes
        or joined
        or required
        or any(after.not_null > before.not_null for before, after in columns)
    )


RULE = Rule(
    name="table-scan",
    group="lock",
    title="All rows are read while writers wait",
    why="Everybody who writes the table, or uses it at all, waits until its rows are read; it fails where one"
    " does not pass.",
    instead="For a domain: ADD CONSTRAINT ... NOT VALID, and VALIDATE in the next migration.",
    find=find,
    fires=(
        Example(
            "CREATE DOMAIN d AS int; CREATE TABLE a (x d)",
            "ALTER DOMAIN d ADD CONSTRAINT c CHECK (value > 0)",
        ),
    ),
    silent=(
        Example(
            "CREATE DOMAIN d AS int; CREATE TABLE a (x d)",
            "ALTER DOMAIN d ADD CONSTRAINT c CHECK (value > 0) NOT VALID",
        ),
        Example("CREATE TABLE a (x int)", "CREATE TABLE b AS SELECT * FROM a"),
    ),
)
