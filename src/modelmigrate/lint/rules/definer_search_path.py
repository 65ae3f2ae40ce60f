"""A function with the rights of its owner looks names up where its caller says."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """What is new or changed, is SECURITY DEFINER, and sets no search_path."""
    for step in file.steps:
        changed = [after for _, after in step.changed(lambda each: each.routines)]
        for routine in [*step.made(lambda each: each.routines), *changed]:
            end = file.end.routines.get(routine.oid)
            before = step.before.routines.get(routine.oid)
            if (
                end
                and end.definer
                and not end.search_path
                and not (before and before.definer and not before.search_path)
            ):
                safe = f"ALTER ROUTINE {end.name} SET search_path = '';"
                what = "runs with the rights of its owner, and with its caller's search_path"
                yield Found(step, f"FUNCTION {end.name}", what, 0, safe)


RULE = Rule(
    name="definer-search-path",
    group="security",
    title="SECURITY DEFINER without a search_path",
    why="Whoever calls it can have it use tables and functions of theirs, with the rights of its owner.",
    instead="Set an empty search_path for it, and write names with their schemas.",
    find=find,
    fires=(
        Example("", "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"),
        Example(
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "ALTER FUNCTION f() SECURITY DEFINER",
        ),
    ),
    silent=(
        Example(
            "",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = ''"
            " AS 'SELECT 1'",
        ),
    ),
)
