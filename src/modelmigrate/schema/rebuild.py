"""Schemas made again from their own dumps: what then still differs, differs in more than its formatting."""

from collections.abc import Iterator
from contextlib import contextmanager

from modelmigrate.errors import MigrateError
from modelmigrate.postgres.execute import execute_in_any_order
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Change, Schema, SchemaObject, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.terminal import progress


def describes_another(entry: SchemaObject) -> bool:
    """Whether an entry says something about another object."""
    return entry.kind in ("COMMENT", "OWNER") or entry.kind.endswith("ACL")


@contextmanager
def rebuild_schema(schema: Schema) -> Iterator[str]:
    """The URL of a scratch database with this schema.

    Raises:
        MigrateError: part of it cannot be made here, such as an extension that is not installed.
    """
    progress("rebuilding the live schema")
    with scratch_database() as url:
        if failed := execute_in_any_order(url, [entry.create_sql for entry in schema.values()]):
            reasons = "\n".join(f"  {why}: {statement}" for statement, why in failed.items())
            raise MigrateError(f"the schema cannot be rebuilt on the scratch server:\n{reasons}")
        yield url


def diff_normalized(expected: Schema, found: Schema) -> list[Change]:
    """What differs in more than its spelling: PostgreSQL spells some expressions in another way
    once it has read what it had printed."""
    if not (differences := diff(expected, found)):
        return []
    try:
        with rebuild_schema(expected) as one, rebuild_schema(found) as other:
            return diff(read_schema(one), read_schema(other))
    except MigrateError:  # half a plan may make a schema that nobody can
        return differences
