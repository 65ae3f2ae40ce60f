"""A constraint is dropped."""

from collections.abc import Iterator

from modelmigrate.lint.catalog import Constraint
from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile

KINDS = {"p": "PRIMARY KEY", "u": "UNIQUE", "f": "FOREIGN KEY", "c": "CHECK", "x": "EXCLUDE"}


def find(file: ObservedFile) -> Iterator[Found]:
    """The old constraints that nothing stands for in the end, while their table and columns remain."""
    for step in file.steps:
        gone = step.gone(lambda each: each.columns)
        for constraint in step.gone(lambda each: each.constraints):
            table = step.after.relations.get(constraint.table)
            lost = {column.name for column in gone if table and column.table == table.oid}
            if (
                table
                and not table.parent
                and (not constraint.references or constraint.references in step.after.relations)
                and not any(name in constraint.definition for name in lost)
                and not is_kept(file, constraint)
            ):
                label = f"CONSTRAINT {constraint.name} on {table.name}"
                yield Found(step, label, f"is dropped: {constraint.definition}", table.oid)


def is_kept(file: ObservedFile, gone: Constraint) -> bool:
    """Whether another constraint of the table says the same, or a new one of its kind is about the same
    columns; or a column says itself that it is NOT NULL."""
    same = gone.definition.removesuffix(" NOT VALID")
    others = [each for each in file.end.constraints.values() if each.table == gone.table]
    columns = [each for each in file.end.columns.values() if each.table == gone.table]
    return any(
        each.definition.removesuffix(" NOT VALID") == same
        or (
            each.kind == gone.kind
            and set(each.columns) == set(gone.columns)
            and each.oid not in file.steps[0].old.constraints
        )
        for each in others
    ) or any(each.not_null and same == f"CHECK (({each.name} IS NOT NULL))" for each in columns)


RULE = Rule(
    name="drop-constraint",
    group="backward-incompatible",
    level=Level.WARN,
    title="A constraint is dropped",
    why="Rows that programs rely on never to see can be written; INSERT ... ON CONFLICT fails without the"
    " constraint that it names.",
    instead="Deploy programs first that do not rely on it.",
    find=find,
    has_safe_form=False,
    fires=(
        Example("CREATE TABLE a (x int CHECK (x > 0))", "ALTER TABLE a DROP CONSTRAINT a_x_check"),
        Example("CREATE TABLE a (x int UNIQUE)", "ALTER TABLE a DROP CONSTRAINT a_x_key"),
        Example(
            "CREATE TABLE a (x int, y int, CONSTRAINT k UNIQUE (x))",
            "ALTER TABLE a DROP CONSTRAINT k, ADD CONSTRAINT k UNIQUE (x, y)",
        ),
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (y int REFERENCES a)",
            "ALTER TABLE b DROP CONSTRAINT b_y_fkey",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int CHECK (x > 0))",
            "ALTER TABLE a DROP CONSTRAINT a_x_check,"
            " ADD CONSTRAINT a_x_check CHECK (x > 1) NOT VALID",
        ),
        Example(
            "CREATE TABLE a (x int CHECK (x > 0))",
            "ALTER TABLE a ADD CONSTRAINT wider CHECK (x >= 0) NOT VALID;"
            " ALTER TABLE a DROP CONSTRAINT a_x_check",
        ),
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (y int REFERENCES a)",
            "ALTER TABLE b DROP COLUMN y",
        ),
    ),
    atlas=("CD101",),
)
