"""Whoever deletes a row deletes others with it."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.rules.constraint_changed import pairs
from modelmigrate.lint.steps import ObservedFile

ACTIONS = ("CASCADE", "SET NULL", "SET DEFAULT")


def find(file: ObservedFile) -> Iterator[Found]:
    """The foreign keys in place of old ones that change the rows that refer to what is deleted."""
    for step, before, after in pairs(file):
        for action in ACTIONS:
            words = f" ON DELETE {action}"
            if words in after.definition and words not in before.definition:
                table = step.after.name(after.table)
                effect = "are deleted" if action == "CASCADE" else "lose what they refer to"
                what = f"is ON DELETE {action} from now on: rows of {table} {effect}"
                yield Found(step, f"CONSTRAINT {after.name} on {table}", what, after.table)


RULE = Rule(
    name="cascade-added",
    group="destructive",
    level=Level.WARN,
    title="A foreign key that deletes rows",
    why="A DELETE that failed until now, since rows refer to what it deletes, takes those rows with it.",
    instead="Delete the rows in the programs that mean to.",
    find=find,
    has_safe_form=False,
    fires=(
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (y int, CONSTRAINT r FOREIGN KEY (y) REFERENCES a)",
            "ALTER TABLE b DROP CONSTRAINT r,"
            " ADD CONSTRAINT r FOREIGN KEY (y) REFERENCES a ON DELETE CASCADE NOT VALID",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (y int, CONSTRAINT r FOREIGN KEY (y) REFERENCES a"
            " ON DELETE CASCADE)",
            "ALTER TABLE b DROP CONSTRAINT r, ADD CONSTRAINT r FOREIGN KEY (y) REFERENCES a NOT VALID",
        ),
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (y int)",
            "ALTER TABLE b ADD CONSTRAINT r FOREIGN KEY (y) REFERENCES a ON DELETE CASCADE NOT VALID",
        ),
    ),
)
