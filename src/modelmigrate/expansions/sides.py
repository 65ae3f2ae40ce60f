"""What the migrations make and what the models say, and whether they ask for what was begun."""

from collections.abc import Callable
from typing import NamedTuple

from modelmigrate.expansions.directives import Expansion
from modelmigrate.schema.catalog import Column, table_columns
from modelmigrate.schema.diff import Schema
from modelmigrate.sql.names import label_name, unquote


class Sides(NamedTuple):
    """The current and the desired schema, each of a scratch database."""

    current_url: str
    current: Schema
    desired_url: str
    desired: Schema

    def columns(self, table: str) -> tuple[dict[str, Column], dict[str, Column]]:
        """The columns of a table or a view on both sides, by their names without quotes."""
        current, desired = (
            {unquote(name): column for name, column in table_columns(url, table).items()}
            for url in (self.current_url, self.desired_url)
        )
        return current, desired

    def has_table(self, name: str) -> tuple[bool, bool]:
        """Whether either side has a table of this name, as SQL names it."""
        label = f"TABLE {label_name(name)}"
        return label in self.current, label in self.desired


def is_renamed(sides: Sides, each: Expansion) -> bool:
    """The models have the new column and no longer the old one."""
    current, desired = sides.columns(each.sql_table)
    return each.column in current and each.column not in desired and each.new in desired


def is_retyped(sides: Sides, each: Expansion) -> bool:
    """The models have the column with another type."""
    current, desired = (columns.get(each.column) for columns in sides.columns(each.sql_table))
    return bool(current and desired and current.type_name != desired.type_name)


def is_dropped(sides: Sides, each: Expansion) -> bool:
    """The models have the table without the column."""
    current, desired = sides.columns(each.sql_table)
    return each.column in current and bool(desired) and each.column not in desired


def is_required(sides: Sides, each: Expansion) -> bool:
    """The models say that code fills the column, which older code does not."""
    current, desired = (columns.get(each.column) for columns in sides.columns(each.sql_table))
    if not desired or desired.generated or desired.identity or desired.default:
        return False
    return desired.not_null and (not current or not current.not_null or bool(current.default))


def is_table_dropped(sides: Sides, each: Expansion) -> bool:
    """The models no longer have the table."""
    return sides.has_table(each.sql_table) == (True, False)


def is_table_renamed(sides: Sides, each: Expansion) -> bool:
    """The models have the table by its new name alone."""
    current, desired = sides.columns(each.sql_table)
    return bool(current) and not desired and sides.has_table(each.in_schema(each.new))[1]


IS_MEANT: dict[str, Callable[[Sides, Expansion], bool]] = {
    "drop-column": is_dropped,
    "drop-table": is_table_dropped,
    "rename-column": is_renamed,
    "rename-table": is_table_renamed,
    "require-column": is_required,
    "retype-column": is_retyped,
}
