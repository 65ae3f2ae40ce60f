"""A type is dropped, or loses values."""

from collections.abc import Iterator

from modelmigrate.lint.catalog import Catalog
from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old types that are gone in the end, and the values that one of the same name lacks."""
    after = {each.name: each.oid for each in file.end.types.values()}
    for step in file.steps:
        for gone in step.gone(lambda each: each.types):
            if gone.name not in after:
                yield Found(step, f"TYPE {gone.name}", "is dropped")
                continue
            lost = values_of(step.before, gone.oid) - values_of(file.end, after[gone.name])
            for value in sorted(lost):
                yield Found(step, f"VALUE {value} of {gone.name}", "is dropped")


def values_of(catalog: Catalog, enum: int) -> set[str]:
    """The values of an enum."""
    return {each.name for each in catalog.values.values() if each.parent == enum}


RULE = Rule(
    name="drop-type",
    group="backward-incompatible",
    title="A type is dropped, or loses values",
    why="Programs that name it, or write a value that is gone, fail.",
    instead="Deploy programs first that do not use it.",
    find=find,
    has_safe_form=False,
    can_wait=True,
    fires=(
        Example("CREATE TYPE t AS ENUM ('a')", "DROP TYPE t"),
        Example("CREATE DOMAIN t AS int", "DROP DOMAIN t"),
        Example(
            "CREATE TYPE t AS ENUM ('a', 'b')",
            "ALTER TYPE t RENAME TO old; CREATE TYPE t AS ENUM ('a'); DROP TYPE old",
        ),
    ),
    silent=(Example("CREATE TYPE t AS ENUM ('a')", "CREATE TYPE u AS ENUM ('a'); DROP TYPE u"),),
)
