"""Schemas rebuilt from their own dumps: what still differs then, differs in more than its formatting."""

from collections.abc import Iterator
from contextlib import contextmanager

from modelmigrate.errors import MigrateError
from modelmigrate.postgres.execute import execute_in_any_order
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Change, Schema, SchemaObject, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.terminal import progress


def describes_another(obj: SchemaObject) -> bool:
    """Whether it is a comment on another object, its owner or the privileges on it."""
    return obj.kind in ("COMMENT", "OWNER") or obj.kind.endswith("ACL")


@contextmanager
def rebuild_schema(schema: Schema) -> Iterator[str]:
    """The URL of a scratch database with this schema.

    Raises:
        MigrateError: part of it cannot be created on the scratch server, such as an extension that
            is not installed there.
    """
    progress("rebuilding the schema")
    with scratch_database() as url:
        if failed := execute_in_any_order(url, [obj.create_sql for obj in schema.values()]):
            reasons = "\n".join(f"  {reason}: {statement}" for statement, reason in failed.items())
            raise MigrateError(
                f"the schema cannot be rebuilt on the scratch server:\n{reasons}\nNothing was changed."
            )
        yield url


def diff_normalized(desired: Schema, current: Schema) -> list[Change]:
    """The changes in more than formatting, that is those that a round trip does not settle:
    PostgreSQL prints some expressions differently once it has read what it printed."""
    if not (changes := diff(desired, current)):
        return []
    try:
        with rebuild_schema(desired) as desired_url, rebuild_schema(current) as current_url:
            return diff(read_schema(desired_url), read_schema(current_url))
    except MigrateError:  # the schema that a partial plan leaves may not be one that can be created
        return changes
