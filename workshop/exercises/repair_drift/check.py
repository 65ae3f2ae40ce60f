"""Repair drift: a change made by hand is adopted, in migrations and models."""

from collections.abc import Iterator

from workshop.participant.state import State

LOCALES = {("ada", "en-GB"), ("grace", "en-US")}


def missing(at: State) -> Iterator[str]:
    """What is not as the text asks, one thing at a time."""
    if at.column_type("users", "locale") is None:
        yield "The column locale is gone, and with it what support has noted. make reset brings it back."
    if set(at.query("SELECT username, locale FROM users")) != LOCALES:
        yield "The column locale is there, and not the values that support has noted. Try make reset."
    if not any("locale" in sql for sql in at.new_migrations.values()):
        yield "Your database has a column that no migration makes: other databases never get it."
    if at.model_column("users", "locale") is None:
        yield "The models do not know the column locale: the next migration would drop it."
    yield from at.disagreement()
