"""Roll back: the database, its history, the files and the model are as before the migration."""

from collections.abc import Iterator

from modelmigrate import project

from workshop.participant.state import State

VERSION = "20260102000000"
SELECT_RULE = "SELECT FROM pg_constraint WHERE conname = 'ck_users_lower_case'"
SELECT_REVISION = (
    f"SELECT FROM atlas_schema_revisions.atlas_schema_revisions WHERE version = '{VERSION}'"
)


def missing(at: State) -> Iterator[str]:
    """What is not as the text asks, one thing at a time."""
    files = list(project.migrations_dir().rglob(f"{VERSION}_*.sql"))
    applied, has_rule = bool(at.query(SELECT_REVISION)), bool(at.query(SELECT_RULE))
    if applied and not files:
        yield (
            "The files of the migration are gone, and the database still has it applied. Without them"
            " it cannot be rolled back: git restore migrations brings them back."
        )
    if applied and not has_rule:
        yield (
            "The rule is gone from the database, and its history says that the migration is applied:"
            " that is drift. make reset begins again."
        )
    if applied:
        yield "The migration is applied still: nobody with a capital letter can register."
    if len(at.query("SELECT FROM users")) < 2:
        yield "Users are gone who had registered. make reset brings them back."
    if any(c.name == "ck_users_lower_case" for c in at.models.tables["users"].constraints):
        yield "The model demands lower case still: the next migration would bring the rule back."
    if files:
        yield "The database is rolled back, and the migration pending: the next make migrate applies it."
    yield from at.disagreement()
