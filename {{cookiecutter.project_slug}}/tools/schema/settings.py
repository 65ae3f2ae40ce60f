"""What a project may set for the schema commands, in `[tool.schema]` of pyproject.toml."""

import tomllib
from dataclasses import dataclass, fields
from typing import Any

from tools.errors import ToolError
from tools.schema.server import PROJECT


@dataclass(frozen=True)
class Settings:
    """The defaults suit a service that is in use while it is migrated."""

    lock_timeout: float = 5
    """Seconds that a statement waits for a lock, and others behind it, before it is tried again."""
    statement_timeout: float = 0
    """Seconds that a statement may run; 0 is without end."""
    wait: float = 60
    """Seconds to wait for another migration to end."""
    attempts: int = 5
    """How often a migration is tried when a lock, a deadlock or the connection is in the way."""
    ignore: tuple[str, ...] = ()
    """Globs for what is no drift, such as "ACL *"."""


def load() -> Settings:
    """The project's settings.

    Raises:
        ToolError: one is unknown or of the wrong kind.
    """
    file = PROJECT / "pyproject.toml"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    given = tomllib.loads(text).get("tool", {}).get("schema", {})
    known = {field.name.replace("_", "-"): field for field in fields(Settings)}
    for name, value in given.items():
        expected = type(known[name].default) if name in known else None
        fits = (
            isinstance(value, int | float) if expected in (int, float) else isinstance(value, list)
        )
        if expected is None or not fits:
            raise ToolError(
                f"pyproject.toml: [tool.schema] {name} = {value!r} is not understood."
                f" Known: {', '.join(known)}"
            )
    values: dict[str, Any] = {
        known[name].name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
    }
    return Settings(**values)
