"""A name is longer than PostgreSQL keeps."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The names that PostgreSQL says it has cut."""
    for step in file.steps:
        for cut in step.cut:
            yield Found(step, "NAME", f"is too long: {cut}")


RULE = Rule(
    name="long-name",
    group="transaction",
    level=Level.WARN,
    title="A name that is cut",
    why="PostgreSQL keeps 63 bytes of a name. Two that begin alike become one, and the models do not find"
    " theirs.",
    instead="Give it a shorter name.",
    find=find,
    fires=(Example("", f"CREATE TABLE {'a' * 70} (x int)"),),
    silent=(Example("", f"CREATE TABLE {'a' * 63} (x int)"),),
)
