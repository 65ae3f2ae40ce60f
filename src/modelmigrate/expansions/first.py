"""The statements that a half begins with, in one transaction: between them, the schema is nobody's."""

from contextlib import closing

from modelmigrate.expansions.columns import column_type, constraints_of_copies, read_pair
from modelmigrate.expansions.directives import Expansion
from modelmigrate.expansions.halves import Halves
from modelmigrate.expansions.kept import KEPT
from modelmigrate.expansions.sides import IS_MEANT, Sides
from modelmigrate.expansions.sync import Pair, added
from modelmigrate.planning.context import InTransaction
from modelmigrate.postgres.connection import connect
from modelmigrate.sql.names import quote

SYNCED = ("rename-column", "retype-column")


def views(models: Sides, halves: Halves) -> list[str]:
    """What has the old name of a table, in the transaction that renames it."""
    with closing(connect(models.current_url)) as connection:
        return [
            InTransaction(f"{statement};")
            for each in halves.expand
            if each.kind == "rename-table"
            for statement in KEPT[each.kind](connection, models, each)
        ]


def ending(sides: Sides, halves: Halves) -> list[str]:
    """The statements that the second halves begin with, in one transaction."""
    return [
        InTransaction(statement)
        for each in halves.contract
        if each.kind in SYNCED and IS_MEANT[each.kind](sides, each)
        for statement in end_of(sides, each)
    ]


def end_of(sides: Sides, each: Expansion) -> list[str]:
    """A column gets the place of another one. That of a renamed one stays the column that it was, with all
    that belongs to it; the one of another type takes over what is made of its indexes."""
    pair = pair_of(sides, each)
    stays, name = map(quote, pair.swap)
    goes = quote(added(each)) if each.new else quote(each.column)
    alter = f"ALTER TABLE {each.sql_table}"
    swap = [f"{alter} DROP COLUMN {goes};", f"{alter} RENAME COLUMN {stays} TO {name};"]
    if each.new:
        return [pair.guard, *pair.drop, *swap]
    column = sides.columns(each.sql_table)[1][each.column]
    with closing(connect(sides.current_url)) as connection:
        keys = constraints_of_copies(connection, each)
    default = (
        [f"{alter} ALTER COLUMN {name} SET DEFAULT {column.default};"] if column.default else []
    )
    return [pair.guard, *pair.drop, *swap, *default, *keys]


def pair_of(sides: Sides, each: Expansion) -> Pair:
    """The two columns, where both are there."""
    desired = sides.columns(each.sql_table)[1]
    column = desired.get(each.new) or desired[each.column]
    with closing(connect(sides.current_url)) as connection:
        return read_pair(connection, each, column_type(column))
