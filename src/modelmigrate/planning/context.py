"""The scratch database that is changed until it has the desired schema, and how that was done."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg

from modelmigrate.errors import Exit, MigrateError
from modelmigrate.postgres.execute import try_execute
from modelmigrate.schema.diff import Change, Schema
from modelmigrate.schema.dump import read_schema

MAX_ROUNDS = 4  # what one moves out of the way, the next brings back
Item = TypeVar("Item")
Selects = Callable[[Change], bool]


class CannotPlanError(MigrateError):
    """There is no way there that can be proven."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, Exit.REFUSED)


@dataclass
class PlanContext:
    """The scratch database that is changed, what it has to become, and the statements so far."""

    connection: psycopg.Connection[Any]
    current_url: str
    desired_url: str
    desired: Schema
    statements: list[str] = field(default_factory=list)
    cached: tuple[int, Schema] = (-1, {})
    blocked_by: str = ""
    """Why something could not be removed."""

    def current(self) -> Schema:
        """What the scratch database has become so far."""
        if self.cached[0] != len(self.statements):
            self.cached = len(self.statements), read_schema(self.current_url)
        return self.cached[1]

    def try_execute(self, statement: str) -> psycopg.Error | None:
        """Run a statement and note it down; the error where it cannot be run, and is not noted."""
        error = try_execute(self.connection, statement)
        if error is None:
            self.statements.append(statement)
        return error


def select_all(_: Change) -> bool:
    return True


def retry_while_progress(waiting: list[Item], done: Callable[[Item], bool]) -> list[Item]:
    """Do what can be done, again and again while that helps; what cannot be done."""
    while waiting:
        failed = [each for each in waiting if not done(each)]
        if len(failed) == len(waiting):
            break
        waiting = failed
    return waiting
