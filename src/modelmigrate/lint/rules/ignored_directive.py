"""Atlas does not see that a file runs outside a transaction."""

from collections.abc import Iterator

from modelmigrate.atlas.directory import TXMODE_DIRECTIVE
from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """A directive in a file that Atlas runs in a transaction all the same."""
    if (
        file.transactional
        and not file.is_down
        and TXMODE_DIRECTIVE.search(file.text)
        and file.steps
    ):
        yield Found(file.steps[0], "-- atlas:txmode none", "is ignored by Atlas")


RULE = Rule(
    name="ignored-directive",
    group="transaction",
    title="A directive that Atlas ignores",
    why="The file runs in a transaction, though it says that it does not.",
    instead="Put it into the first line of the file, with a blank line after it.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int)", "-- atlas:txmode none\nALTER TABLE a ADD y int"),
        Example("CREATE TABLE a (x int)", "ALTER TABLE a ADD y int;\n-- atlas:txmode none\n\n"),
    ),
    silent=(Example("CREATE TABLE a (x int)", "-- atlas:txmode none\n\nALTER TABLE a ADD y int"),),
)
