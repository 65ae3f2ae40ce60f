"""The live schema, compared with the expected one."""

from modelmigrate.errors import Exit, ToolError
from modelmigrate.postgres.environments import LOCAL, Environment
from modelmigrate.project import settings
from modelmigrate.schema.diff import Schema, compare, without
from modelmigrate.schema.dump import read


def require_same(target: Environment, expected: Schema, state: str) -> None:
    """Raise ToolError (exit code 2) where the live schema is not the expected one."""
    ignored = settings().ignore
    differences = without(compare(expected, read(target.url)), ignored)
    if differences:
        listing = "\n".join(f"  {each.how:<8}{each.label}" for each in differences)
        named = "" if target.name == LOCAL else f" env={target.name}"
        raise ToolError(
            f"the schema of {target.name} is not what its migrations make:\n{listing}\n{state}"
            f" See it, and mend it: make schema-drift{named}",
            Exit.DRIFT,
        )
