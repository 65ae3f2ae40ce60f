"""What several rules need."""

from modelmigrate.lint.catalog import Constraint
from modelmigrate.lint.steps import STRENGTH, Step


def is_blocking(step: Step, table: int) -> bool:
    """Whether a statement keeps writers of a table out: by its lock, or by one that its file holds."""
    return (
        step.in_transaction
        or STRENGTH[step.locks.get(table, "AccessShareLock")] >= STRENGTH["ShareLock"]
    )


def concurrently(statement: str) -> str:
    """A CREATE INDEX or DROP INDEX as a file that keeps nobody waiting."""
    return "-- atlas:txmode none\n\n" + statement.replace(" INDEX ", " INDEX CONCURRENTLY ", 1)


def not_valid(table: str, constraint: Constraint) -> str:
    """A constraint added without a look at the rows, and validated later."""
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {constraint.name} {constraint.definition} NOT VALID;\n"
        "-- in the next migration:\n"
        f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint.name};"
    )
