"""Where the next migration leads to: the models' schema, or one between two halves, and how it begins."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import NamedTuple

from modelmigrate.errors import MigrateError
from modelmigrate.expansions.between import in_between
from modelmigrate.expansions.columns import column_type, read_pair
from modelmigrate.expansions.directives import Expansion
from modelmigrate.expansions.first import SYNCED, ending, pair_of, views
from modelmigrate.expansions.halves import Halves, begin, choose, notes_on_between
from modelmigrate.expansions.needed import of_rename
from modelmigrate.expansions.sides import IS_MEANT, Sides
from modelmigrate.expansions.sync import Pair, added
from modelmigrate.planning.confirm import confirm_renames
from modelmigrate.planning.renames import (
    Rename,
    possible_renames,
    read_names,
    rename_statements,
)
from modelmigrate.postgres.connection import connect
from modelmigrate.schema.dump import read_schema


class Goal(NamedTuple):
    """Where a migration leads to."""

    sides: Sides
    """The current schema, and the desired one with what is between its two halves."""
    halves: Halves
    renames: list[Rename]
    first: list[str]
    """The statements that it begins with."""

    @property
    def pairs(self) -> list[Pair]:
        """The columns that change places."""
        return [
            pair_of(self.sides, each)
            for each in self.halves.contract
            if each.kind in SYNCED and IS_MEANT[each.kind](self.sides, each)
        ]

    @property
    def fills(self) -> dict[str, str]:
        """What gives a down migration the values of a column back, by the statement that drops it."""
        return {pair.guard: pair.fill for pair in self.pairs if pair.expansion.new}

    @property
    def swapped(self) -> list[Rename]:
        """The columns that change places, as renames."""
        return [
            Rename(each.label.rpartition(".")[0], one, other, "column")
            for pair in self.pairs
            for each in [pair.expansion._replace(new="")]
            for one, other in [pair.swap]
        ]


@contextmanager
def towards(
    models: Sides, answer: str | None, *, expand: bool = False, contract: bool = False
) -> Iterator[Goal]:
    """Where the next migration leads to; to be read and cloned only. `models` are the migrations' schema
    and that of the models, and `answer` says what was renamed.

    Raises:
        MigrateError: there is no such half, or it cannot be had; or a rename is not confirmed.
    """
    if expand and contract:
        raise MigrateError("expand and contract exclude each other. No file was written.")
    halves = choose(models, contract=contract)
    with ExitStack() as states:
        sides = open_between(states, models, halves.between)
        renames = confirm_renames(
            [each for each in read_renames(sides) if not is_of(each, halves.contract)], answer
        )
        if expand:
            halves = begin(sides, halves, renames)
            sides = open_between(states, models, halves.between)
            renames = [each for each in renames if not is_of(each, halves.expand)]
        first = [*ending(sides, halves), *rename_statements(renames), *views(models, halves)]
        yield Goal(sides, halves, renames, first)


def open_between(states: ExitStack, models: Sides, expansions: list[Expansion]) -> Sides:
    """The two sides, of which the desired one has what is between its halves."""
    desired_url = states.enter_context(in_between(models, expansions))
    return models._replace(desired_url=desired_url, desired=read_schema(desired_url))


def read_renames(sides: Sides) -> list[Rename]:
    """What may have been renamed."""
    names = (read_names(sides.current_url), read_names(sides.desired_url))
    return possible_renames(sides.current_url, *names)


def is_of(rename: Rename, expansions: list[Expansion]) -> bool:
    """Whether what looks renamed is a column of one of these: it is not renamed in this migration."""
    found = of_rename(rename)
    return bool(found) and any(
        each.column
        and each.sql_table == found.sql_table
        and found.column in (each.column, added(each))
        for each in expansions
        if found
    )


def what_is_next(goal: Goal) -> list[str]:
    """What to type, and when."""
    sides, halves, lines = goal.sides, goal.halves, list[str]()
    for each in halves.expand:
        if each.kind in SYNCED:
            column = column_type(sides.columns(each.sql_table)[1][added(each)])
            with closing(connect(sides.desired_url)) as connection:
                lines.append(f"  {read_pair(connection, each, column).backfill}")
    told = ["note: once this is applied, fill the rows that are there:", *lines] if lines else []
    return [*told, *notes_on_between(halves.between)]
