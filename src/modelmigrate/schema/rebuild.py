"""Schemas made again from their own dumps: what then still differs, differs in more than its formatting."""

from collections.abc import Iterator
from contextlib import contextmanager

from modelmigrate.errors import ToolError
from modelmigrate.postgres.execute import fill
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Difference, Entry, Schema, compare
from modelmigrate.schema.dump import read
from modelmigrate.terminal import at


def about(entry: Entry) -> bool:
    """Whether an entry says something about another object."""
    return entry.kind in ("COMMENT", "OWNER") or entry.kind.endswith("ACL")


@contextmanager
def rebuilt(schema: Schema) -> Iterator[str]:
    """The URL of a scratch database with this schema.

    Raises:
        ToolError: part of it cannot be made here, such as an extension that is not installed.
    """
    at("rebuilding the live schema")
    with scratch_database() as url:
        if failed := fill(url, [entry.create for entry in schema.values()]):
            reasons = "\n".join(f"  {why}: {statement}" for statement, why in failed.items())
            raise ToolError(f"the schema cannot be rebuilt on the scratch server:\n{reasons}")
        yield url


def unlike(expected: Schema, found: Schema) -> list[Difference]:
    """What differs in more than its spelling: PostgreSQL spells some expressions in another way
    once it has read what it had printed."""
    if not (differences := compare(expected, found)):
        return []
    try:
        with rebuilt(expected) as one, rebuilt(found) as other:
            return compare(read(one), read(other))
    except ToolError:  # half a plan may make a schema that nobody can
        return differences
