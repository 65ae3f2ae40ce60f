"""Add a relationship: a table that refers to another one, and is found from there."""

from collections.abc import Iterator

from workshop.participant.state import State

SELECT_FOREIGN_KEYS = """
    SELECT FROM pg_constraint
    WHERE contype = 'f' AND conrelid = 'announcements'::regclass AND confrelid = 'teams'::regclass
"""
SELECT_INDEXES = """
    SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
    WHERE indrelid = 'announcements'::regclass AND attname = 'team_id' AND indisvalid
"""


def missing(at: State) -> Iterator[str]:
    """What is not as the text asks, one thing at a time."""
    if "announcements" not in at.models.tables:
        yield "No model has a table announcements."
    team_id = at.model_column("announcements", "team_id")
    if team_id is None:
        yield "The model of an announcement does not say which team it is of: it has no team_id."
    elif at.model_column("announcements", "text") is None:
        yield "The model of an announcement has no text."
    elif team_id.nullable:
        yield "An announcement may be of no team at all, says the model."
    if not at.new_migrations:
        yield "There is a model of announcements, and no migration makes its table."
    yield from at.unapplied()
    if not at.query(SELECT_FOREIGN_KEYS):
        yield "The database accepts an announcement of a team that does not exist."
    if not at.query(SELECT_INDEXES):
        yield "To find the announcements of a team, PostgreSQL has to read them all."
    yield from at.disagreement()
