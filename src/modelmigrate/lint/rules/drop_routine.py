"""A function or a procedure is dropped, or gives something else."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old ones that are gone in the end, by their arguments; not the functions of triggers, which
    nobody calls."""
    ends = {each.name: each for each in file.end.routines.values()}
    for step in file.steps:
        for routine in step.gone(lambda each: each.routines):
            label = f"{'FUNCTION' if routine.result else 'PROCEDURE'} {routine.name}"
            if routine.result in ("trigger", "event_trigger"):
                continue
            end = ends.get(routine.name)
            if not end:
                yield Found(step, label, "is dropped")
            elif end.result != routine.result:
                yield Found(step, label, f"returns {end.result} and no longer {routine.result}")
            elif end.optional < routine.optional:
                yield Found(step, label, "has a default less, and needs one argument more")


RULE = Rule(
    name="drop-routine",
    group="backward-incompatible",
    title="A function or a procedure is dropped",
    why="Programs that call it fail. One with other arguments is another function.",
    instead="Add the new one beside it, let programs move to it, then drop the old one.",
    find=find,
    has_safe_form=False,
    can_wait=True,
    fires=(
        Example("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION f"),
        Example("CREATE PROCEDURE f() LANGUAGE sql AS 'SELECT 1'", "DROP PROCEDURE f"),
        Example(
            "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP FUNCTION f; CREATE FUNCTION f(x text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ),
        Example(
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP FUNCTION f; CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT '1' $$",
        ),
        Example(
            "CREATE FUNCTION f(x int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP FUNCTION f; CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ),
    ),
    silent=(
        Example(
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        ),
        Example(
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP FUNCTION f; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        ),
    ),
)
