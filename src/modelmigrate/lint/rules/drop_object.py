"""A sequence, an extension or a schema is dropped."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old sequences that go without the column that owned them, old extensions and schemas."""
    for step in file.steps:
        relations = step.gone(lambda each: each.relations)
        columns = step.gone(lambda each: each.columns)
        identities = [
            before for before, after in step.changed(lambda each: each.columns)
            if before.identity != after.identity
        ]  # fmt: skip
        if not columns and not identities:
            for relation in relations:
                if relation.kind == "S":
                    yield Found(step, f"SEQUENCE {relation.name}", "is dropped")
        for extension in step.gone(lambda each: each.extensions):
            yield Found(step, f"EXTENSION {extension.name}", "is dropped, with all that it brought")
        for schema in step.gone(lambda each: each.schemas):
            yield Found(step, f"SCHEMA {schema.name}", "is dropped, with all that is in it")


RULE = Rule(
    name="drop-object",
    group="backward-incompatible",
    title="A sequence, an extension or a schema is dropped",
    why="Programs that use it fail; the position of a sequence is lost.",
    instead="Deploy the programs without it first.",
    find=find,
    has_safe_form=False,
    can_wait=True,
    fires=(
        Example("CREATE SEQUENCE s", "DROP SEQUENCE s"),
        Example("CREATE EXTENSION pg_trgm", "DROP EXTENSION pg_trgm"),
    ),
    silent=(Example("CREATE TABLE a (x int)", "CREATE SEQUENCE s; DROP SEQUENCE s"),),
)
