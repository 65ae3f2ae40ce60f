"""A schema created anew from its own dump, and the comparison of two schemas by that: what differs even
then, differs in more than its formatting."""

from collections.abc import Iterator
from contextlib import contextmanager

from modelmigrate.errors import MigrateError
from modelmigrate.postgres.execute import execute_in_any_order
from modelmigrate.postgres.snapshots import snapshot_name
from modelmigrate.schema.diff import Change, Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import open_or_build
from modelmigrate.terminal import progress


@contextmanager
def rebuild_schema(schema: Schema) -> Iterator[str]:
    """The URL of a database with this schema; to be read and cloned only.

    Raises:
        MigrateError: part of it cannot be created on the scratch server, such as an extension that
            is not installed there.
    """
    statements = [obj.create_sql for obj in schema.values()]

    def build(url: str, _: int) -> None:
        progress("rebuilding the schema")
        if failed := execute_in_any_order(url, statements):
            reasons = "\n".join(f"  {reason}: {statement}" for statement, reason in failed.items())
            raise MigrateError(
                f"the schema cannot be rebuilt on the scratch server:\n{reasons}\nNothing was changed."
            )

    with open_or_build([snapshot_name("rebuilt", *statements)], build) as url:
        yield url


def diff_normalized(desired: Schema, current: Schema) -> list[Change]:
    """The changes in more than formatting, that is those that a round trip does not settle:
    PostgreSQL prints some expressions differently once it has read what it printed."""
    if not (changes := diff(desired, current)):
        return []
    # An INVALID index is nothing that could be created.
    never_rebuilt = [each for each in changes if each.kind == "INVALID INDEX"]
    try:
        with rebuild_schema(desired) as desired_url, rebuild_schema(current) as current_url:
            return diff(read_schema(desired_url), read_schema(current_url)) + never_rebuilt
    except MigrateError:  # the schema that a partial plan leaves may not be one that can be created
        return changes
