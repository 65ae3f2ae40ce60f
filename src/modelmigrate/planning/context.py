"""The scratch database that is changed until it has the desired schema, and the statements so far."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg

from modelmigrate.errors import Exit, MigrateError
from modelmigrate.postgres.execute import try_execute
from modelmigrate.schema.diff import Change, Schema, SchemaObject
from modelmigrate.schema.dump import read_schema

MAX_ROUNDS = 4  # what one round drops with its dependents, the next one creates again
Item = TypeVar("Item")
Selects = Callable[[Change], bool]


class CannotPlanError(MigrateError):
    """There are no statements that can be verified to lead to the desired schema (exit code 3)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, Exit.REFUSED)


class InTransaction(str):
    """A statement that shares a transaction with those before and after it, whatever it does: between
    them, the schema is nothing that anybody should see."""

    __slots__ = ()


class Apart(str):
    """A statement that may take long, though others read and write meanwhile: it shares a transaction
    with its likes alone, since others take locks that block them."""

    __slots__ = ()


@dataclass
class PlanContext:
    """One attempt at a plan: a scratch database on its way to the desired schema."""

    connection: psycopg.Connection[Any]
    """To the scratch database, which is changed by it alone."""
    current_url: str
    """Of that same scratch database."""
    desired_url: str
    """Of a scratch database with the desired schema, which Atlas compares with."""
    desired: Schema
    statements: list[str] = field(default_factory=list)
    """Those that ran, in their order: the plan so far."""
    read: tuple[int, Schema] = (-1, {})
    """The current schema as it was read after so many statements."""
    presumed: tuple[int, Schema] = (-1, {})
    """As it must be after so many statements if what ran since then did what was expected."""
    blocked_by: str = ""
    """The error of the last object that could not be dropped."""
    together: bool = False
    """Whether what is added to the plan now must share a transaction."""

    def current(self) -> Schema:
        """The schema of the scratch database, after the statements so far."""
        if self.read[0] != len(self.statements):
            self.read = len(self.statements), read_schema(self.current_url)
        self.presumed = self.read
        return self.read[1]

    def expected(self) -> Schema:
        """The same without reading it again, where it is known what ran since; what that has made is as it
        is in the desired schema, with the oids that it has there."""
        return self.presumed[1] if self.is_presumed() else self.current()

    def is_presumed(self) -> bool:
        """Whether `expected` need not read the schema."""
        return self.presumed[0] == len(self.statements)

    def presume(self, schema: Schema) -> None:
        """Take it that the statements so far have led to this schema, until it is read."""
        self.presumed = len(self.statements), schema

    def create(self, *objects: SchemaObject) -> bool:
        """Create objects that are not there by their own statements, all or none of them; whether that
        succeeded."""
        statements = [each.create_sql for each in objects]
        if try_execute(self.connection, "\n".join(statements)):
            return False
        known = self.is_presumed()
        self.statements += [InTransaction(each) if self.together else each for each in statements]
        if known:
            self.presume(self.presumed[1] | {each.label: each for each in objects})
        return True

    def try_execute(self, statement: str) -> psycopg.Error | None:
        """Run a statement and add it to the plan; where it fails, the error, and no addition."""
        error = try_execute(self.connection, statement)
        if error is None:
            self.statements.append(InTransaction(statement) if self.together else statement)
        return error

    @contextmanager
    def in_transaction(self) -> Iterator[None]:
        """What is added to the plan meanwhile must share a transaction."""
        self.together = True
        try:
            yield
        finally:
            self.together = False


def select_all(_: Change) -> bool:
    """The default of the functions that work on some of the changes only."""
    return True


def retry_while_progress(remaining: list[Item], attempt: Callable[[Item], bool]) -> list[Item]:
    """Attempt each item, and again those that failed, until none of them succeeds; those that
    remain. So things are done in an order that works, without a knowledge of what needs what."""
    while remaining:
        failed = [each for each in remaining if not attempt(each)]
        if len(failed) == len(remaining):
            break
        remaining = failed
    return remaining
