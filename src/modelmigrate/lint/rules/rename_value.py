"""A value of an enum has another name."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old values whose name is another one."""
    for step in file.steps:
        for before, after in step.changed(lambda each: each.values):
            name = step.after.types[after.parent].name
            safe = f"ALTER TYPE {name} ADD VALUE {after.name}; -- beside {before.name}"
            what = f"is called {after.name} from now on"
            yield Found(step, f"VALUE {before.name} of {name}", what, 0, safe)


RULE = Rule(
    name="rename-value",
    group="backward-incompatible",
    title="A value of an enum has another name",
    why="Programs that run write the old one, and fail; they do not know the new one when they read it.",
    instead="Add the new value, let programs write it, and change the rows that hold the old one.",
    find=find,
    has_safe_form=False,
    fires=(Example("CREATE TYPE t AS ENUM ('a')", "ALTER TYPE t RENAME VALUE 'a' TO 'b'"),),
    silent=(Example("CREATE TYPE t AS ENUM ('a')", "ALTER TYPE t ADD VALUE 'b'"),),
)
