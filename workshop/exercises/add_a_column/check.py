"""Add a column: in the model, in a migration, in the database."""

from collections.abc import Iterator

from sqlalchemy import String

from workshop.participant.state import State


def missing(at: State) -> Iterator[str]:
    """What is not as the text asks, one thing at a time."""
    column = at.model_column("users", "nickname")
    if column is None:
        yield "The model of a user has no nickname."
    elif not isinstance(column.type, String) or column.type.length != 50:
        yield "A nickname is a text of up to 50 characters; the model says something else."
    elif not column.nullable:
        yield "Those who have registered already have no nickname, and the model does not allow that."
    if not at.new_migrations:
        yield "The model has a nickname, and no migration brings it to a database."
    yield from at.disagreement()
