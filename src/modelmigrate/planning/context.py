"""The scratch database that is changed until it has the desired schema, and how that was done."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg

from modelmigrate.errors import Exit, ToolError
from modelmigrate.postgres.execute import error_of
from modelmigrate.schema.diff import Difference, Schema
from modelmigrate.schema.dump import read

ROUNDS = 4  # what one moves out of the way, the next brings back
Item = TypeVar("Item")
Concerned = Callable[[Difference], bool]


class NoPlanError(ToolError):
    """There is no way there that can be proven."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, Exit.REFUSED)


@dataclass
class Bench:
    """The scratch database that is changed, what it has to become, and the statements so far."""

    connection: psycopg.Connection[Any]
    work: str
    target: str
    goal: Schema
    made: list[str] = field(default_factory=list)
    seen: tuple[int, Schema] = (-1, {})
    in_the_way: str = ""
    """Why something could not be removed."""

    def now(self) -> Schema:
        """What the scratch database has become so far."""
        if self.seen[0] != len(self.made):
            self.seen = len(self.made), read(self.work)
        return self.seen[1]

    def attempt(self, statement: str) -> psycopg.Error | None:
        """Run a statement and note it down; the error where it cannot be run, and is not noted."""
        error = error_of(self.connection, statement)
        if error is None:
            self.made.append(statement)
        return error


def everything(_: Difference) -> bool:
    return True


def until_none(waiting: list[Item], done: Callable[[Item], bool]) -> list[Item]:
    """Do what can be done, again and again while that helps; what cannot be done."""
    while waiting:
        failed = [each for each in waiting if not done(each)]
        if len(failed) == len(waiting):
            break
        waiting = failed
    return waiting
