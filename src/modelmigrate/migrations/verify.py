"""The live schema, compared with the expected one."""

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.postgres.environments import LOCAL, Environment
from modelmigrate.schema.diff import Schema, diff, filter_ignored
from modelmigrate.schema.dump import read_schema


def verify_schema(target: Environment, expected: Schema, state: str) -> None:
    """Raise MigrateError (exit code 2) where the live schema is not the expected one."""
    ignored = project.settings().ignore
    differences = filter_ignored(diff(expected, read_schema(target.url)), ignored)
    if differences:
        listing = "\n".join(f"  {each.how:<8}{each.label}" for each in differences)
        named = "" if target.name == LOCAL else f" env={target.name}"
        raise MigrateError(
            f"the schema of {target.name} is not what its migrations make:\n{listing}\n{state}"
            f" See it, and mend it: make schema-drift{named}",
            Exit.DRIFT,
        )
