"""The live schema against the one that is expected, without what the project ignores."""

from modelmigrate.errors import ToolError
from modelmigrate.migrations.revisions import History, read, require_whole
from modelmigrate.postgres.environments import Environment
from modelmigrate.project import settings
from modelmigrate.schema import diff
from modelmigrate.schema.diff import Difference, Schema, without


def compare(expected: Schema, found: Schema) -> list[Difference]:
    return without(diff.compare(expected, found), settings().ignore)


def told(target: Environment) -> History:
    """The history of the database, if it can be compared with anything."""
    story = read(target.url)
    require_whole(story)
    if story.partial:
        raise ToolError(
            f"{story.pending[0].name} is half done: {story.partial}\nUntil it is finished (make"
            " migrate) it cannot be told what the schema should be."
        )
    return story


def pending(story: History) -> str:
    count = len(story.pending)
    return f" ({count} pending migration{'s' if count > 1 else ''})" if count else ""
