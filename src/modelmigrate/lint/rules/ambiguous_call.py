"""Calls that worked no longer say which function they mean."""

from collections.abc import Iterator

from modelmigrate.lint.catalog import Routine
from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The new functions that can be called just as an old one of the same name, by their defaults."""
    for step in file.steps:
        for made in step.made(lambda each: each.routines):
            for old in step.old.routines.values():
                if (
                    old.oid in file.end.routines
                    and made.oid in file.end.routines
                    and is_alike(made, old)
                ):
                    what = f"can be called just as {old.name}: such calls fail"
                    yield Found(step, f"FUNCTION {made.name}", what)


def is_alike(made: Routine, old: Routine) -> bool:
    """Whether a number of arguments fits both, with the same types."""
    least = max(len(each.inputs) - each.optional for each in (made, old))
    return (
        made.name.partition("(")[0] == old.name.partition("(")[0]
        and least <= min(len(made.inputs), len(old.inputs))
        and made.inputs[:least] == old.inputs[:least]
    )


RULE = Rule(
    name="ambiguous-call",
    group="backward-incompatible",
    title="A function beside one of the same name",
    why="Where defaults let one call fit both, PostgreSQL refuses it: the function is not unique.",
    instead="Give it another name, or no default; or drop the old one in the same migration.",
    find=find,
    has_safe_form=False,
    fires=(
        Example(
            "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE FUNCTION f(x int, y int DEFAULT 0) RETURNS int LANGUAGE sql AS 'SELECT 2'",
        ),
    ),
    silent=(
        Example(
            "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE FUNCTION f(x int, y int) RETURNS int LANGUAGE sql AS 'SELECT 2'",
        ),
        Example(
            "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE FUNCTION f(x text, y int DEFAULT 0) RETURNS int LANGUAGE sql AS 'SELECT 2'",
        ),
        Example(
            "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP FUNCTION f;"
            " CREATE FUNCTION f(x int, y int DEFAULT 0) RETURNS int LANGUAGE sql AS 'SELECT 2'",
        ),
    ),
)
