"""What a migration begins and ends of changes in two halves, and what is between them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.atlas.directory import has_migrations, read_migrations
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.expansions.between import in_between
from modelmigrate.expansions.directives import Expansion, directives, open_expansions
from modelmigrate.expansions.needed import needed
from modelmigrate.expansions.refusals import require_halves
from modelmigrate.expansions.sides import IS_MEANT, Sides
from modelmigrate.expansions.sync import added, sync_labels
from modelmigrate.planning.renames import Rename
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import States, current_and_desired


def begun() -> list[Expansion]:
    """What the migrations have begun and not ended."""
    return open_expansions(read_migrations()) if has_migrations() else []


def notes_on_between(expansions: list[Expansion]) -> list[str]:
    """What is between its two halves, and how that ends."""
    names = ", ".join(each.label for each in expansions)
    ends = project.command("create", "contract", contract=True)
    return [f"note: between two halves: {names}. Once no older code runs: {ends}"] if names else []


@contextmanager
def current_and_between() -> Iterator[States]:
    """As `current_and_desired`, but what is desired has all that is between its two halves."""
    with current_and_desired() as states, in_between(read_sides(states), begun()) as desired_url:
        yield states._replace(desired_url=desired_url)


def read_sides(states: States) -> Sides:
    """The two states with their schemas."""
    current, desired = states.current_url, states.desired_url
    return Sides(current, read_schema(current), desired, read_schema(desired))


class Halves(NamedTuple):
    """What a migration begins and ends, and what stays between."""

    expand: list[Expansion]
    contract: list[Expansion]
    between: list[Expansion]

    @property
    def header(self) -> list[str]:
        """The lines at the top of its first file."""
        return directives(self.expand, self.contract)


def is_of_halves(label: str, halves: Halves) -> bool:
    """Whether what has this label in a schema is a function or a trigger of what is begun or ended."""
    return label in {
        name for each in (*halves.expand, *halves.contract) for name in sync_labels(each)
    }


def choose(sides: Sides, *, contract: bool) -> Halves:
    """What a migration ends: with `contract` all that was begun, else what the models no longer ask for.

    Raises:
        MigrateError: nothing was begun.
    """
    open_now = begun()
    meant = [each for each in open_now if IS_MEANT[each.kind](sides, each)]
    if contract and not open_now:
        raise MigrateError(
            "nothing is between its two halves. No file was written. Begin with the first one:"
            f" {project.command('create', 'what changes', expand=True)}"
        )
    if contract:
        return Halves([], open_now, [])
    return Halves([], [each for each in open_now if each not in meant], meant)


def begin(sides: Sides, halves: Halves, renames: Sequence[Rename]) -> Halves:
    """With what older code would fail of; `sides` are those between the halves so far.

    Raises:
        MigrateError: there is no such thing, or it is of what is between its halves already.
    """
    if halves.contract:
        names = ", ".join(each.label for each in halves.contract)
        raise MigrateError(
            f"the models no longer ask for {names}, which was begun. No file was written. Take that back"
            f" in a migration of its own first: {project.command('create', 'take it back')}",
            Exit.REFUSED,
        )
    found = needed(sides, renames, halves.between)
    if not found:
        raise MigrateError(
            "nothing needs two halves: older code goes on with this change. No file was written. Create"
            f" it as always: {project.command('create', 'what changes')}"
        )
    for each in found:
        require_halves(sides, each)
        for other in halves.between:
            if each.sql_table == other.sql_table and each.column in (other.column, added(other)):
                raise MigrateError(
                    f"{each.label} is between its two halves already: {other.label}. No file was"
                    f" written. End that first: {project.command('create', '...', contract=True)}",
                    Exit.REFUSED,
                )
    return halves._replace(expand=found, between=[*halves.between, *found])
