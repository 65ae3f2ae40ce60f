"""The live schema, verified against the expected one."""

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.target import Target
from modelmigrate.schema.diff import Change, Schema


def verify_schema(target: Target, expected: Schema, consequence: str) -> None:
    """Raise MigrateError (exit code 2) where the live schema is not the expected one."""
    if changes := target.changes_from(expected):
        command = project.command("drift", env=target.option)
        raise MigrateError(
            f"the schema of {target.name} does not match its migrations:\n{listing(changes)}\n"
            f"{consequence} Show the drift and how to fix it: {command}",
            Exit.DRIFT,
        )


def listing(changes: list[Change]) -> str:
    """The changes, one on a line, without their statements."""
    return "\n".join(f"  {change.how:<8}{change.title}" for change in changes)
