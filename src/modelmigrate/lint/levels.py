"""How much each finding weighs: by its rule, its group, the environment and the size of its table."""

from collections.abc import Callable
from typing import Any

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.lint.rule import GROUPS, Found, Level, Rule
from modelmigrate.lint.rules import BY_NAME

PRODUCTION = "production"
SMALL_TABLE = "small-table"
SMALL_ROWS = 1000  # a table of fewer rows is small, unless `small-table` says otherwise
# Of what takes long where there are many rows; what is lost or fails is so with one.
BY_SIZE = ("lock", "concurrent-index")
LEVELS = {level.name.lower(): level for level in Level}

LevelOf = Callable[[Rule, Found], Level]


def environments() -> set[str]:
    """The environments that have levels of their own."""
    return {PRODUCTION, *(name for name, value in _table().items() if isinstance(value, dict))}


def small_table() -> int:
    """Below how many rows a table is small."""
    rows: int = _table().get(SMALL_TABLE, SMALL_ROWS)
    return rows


def level_of(environment: str | None) -> LevelOf:
    """The level of a rule's finding in an environment; of its rule, where that is set, then of its group.

    Raises:
        MigrateError: `[tool.modelmigrate.lint]` says what is not understood.
    """
    table = _table()
    sections = {name: value for name, value in table.items() if isinstance(value, dict)}
    everywhere = {name: value for name, value in table.items() if name not in sections}
    if isinstance(everywhere.get(SMALL_TABLE), int):
        del everywhere[SMALL_TABLE]
    for place, values in {"": everywhere, **sections}.items():
        _require_understood(f"[tool.modelmigrate.lint{'.' if place else ''}{place}]", values)
    own = sections.get(environment or "", {})

    def level(rule: Rule, found: Found) -> Level:
        for settings in (own, everywhere):
            for name in (rule.name, rule.group):
                if name in settings:
                    return LEVELS[settings[name]]
        group = GROUPS[rule.group]
        usual = group.production if environment == PRODUCTION else group.local
        return found.level or rule.level or usual

    return level


def lowered(level: Level, rule: Rule, rows: int | None) -> Level:
    """The level on a table with so many rows; None where they are not known."""
    small = rows is not None and rows < small_table() and rule.group in BY_SIZE
    return Level(max(level - 1, Level.NOTE)) if small and level > Level.NOTE else level


def _table() -> dict[str, Any]:
    return project.settings().lint


def _require_understood(place: str, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if name not in GROUPS and name not in BY_NAME:
            raise MigrateError(
                f"pyproject.toml: {place} has {name}, which is no rule and no group of rules. Nothing was"
                f" done. Groups: {', '.join(GROUPS)}. Rules: {project.command('lint', explain='all')}"
            )
        if value not in LEVELS:
            raise MigrateError(
                f"pyproject.toml: {place} {name} = {value!r} is no level. Nothing was done."
                f" Levels: {', '.join(LEVELS)}"
            )
