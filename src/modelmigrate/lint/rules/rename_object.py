"""A type, a function or a schema has another name."""

from collections.abc import Iterator

from modelmigrate.lint.catalog import Catalog
from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old ones whose name is another one, and whose old name nothing has in the end."""
    for step in file.steps:
        schemas = step.changed(lambda each: each.schemas)
        for before, after in schemas:
            what = f"is called {after.name} from now on"
            yield Found(step, f"SCHEMA {before.name}", what)
        if schemas:
            return
        for old, new in step.changed(lambda each: each.types):
            if old.name != new.name and old.name not in type_names(file.end):
                yield Found(step, f"TYPE {old.name}", f"is called {new.name} from now on")
        for was, now in step.changed(lambda each: each.routines):
            names = {each.name for each in file.end.routines.values()}
            if was.name != now.name and was.name not in names:
                yield Found(step, f"FUNCTION {was.name}", f"is called {now.name} from now on")


def type_names(catalog: Catalog) -> set[str]:
    """The names of all types."""
    return {each.name for each in catalog.types.values()}


RULE = Rule(
    name="rename-object",
    group="backward-incompatible",
    title="A type, a function or a schema has another name",
    why="Programs that run use the old name, and fail.",
    instead="Add one of the new name, let programs move to it, then drop the old one.",
    find=find,
    has_safe_form=False,
    fires=(
        Example("CREATE TYPE t AS ENUM ('a')", "ALTER TYPE t RENAME TO u"),
        Example("CREATE SCHEMA s; CREATE TABLE s.a (x int)", "ALTER SCHEMA s RENAME TO t"),
        Example(
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "ALTER FUNCTION f RENAME TO g",
        ),
    ),
    silent=(
        Example(
            "CREATE TYPE t AS ENUM ('a')", "CREATE TYPE u AS ENUM (); ALTER TYPE u RENAME TO v"
        ),
    ),
)
