"""Statements whose failure is an answer, not an error."""

from collections.abc import Iterable
from contextlib import closing
from typing import Any

import psycopg

from modelmigrate.postgres.connection import connect

BATCH_SIZE = 100  # statements that are sent at once


def execute_in_any_order(url: str, statements: Iterable[str]) -> dict[str, str]:
    """Run statements in whatever order works: first in batches, for speed, then one by one, again and
    again while that gets more of them to succeed. Returns those that never do, each with the reason."""
    remaining = list(filter(str.strip, statements))
    with closing(connect(url, check_function_bodies="off")) as connection:
        batches = [remaining[i : i + BATCH_SIZE] for i in range(0, len(remaining), BATCH_SIZE)]
        failed_batches = [batch for batch in batches if not execute_all(connection, *batch)]
        remaining = [statement for batch in failed_batches for statement in batch]
        while remaining:
            failed = {
                statement: str(error)
                for statement in remaining
                if (error := try_execute(connection, statement))
            }
            if len(failed) == len(remaining):
                return failed
            remaining = list(failed)
    return {}


def execute_all(connection: psycopg.Connection[Any], *statements: str) -> bool:
    """Run statements, all or none of them; whether they succeeded."""
    return try_execute(connection, "\n".join(statements)) is None


def try_execute(connection: psycopg.Connection[Any], statement: str) -> psycopg.Error | None:
    """Run a statement; the error if it fails, else None."""
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        return error
    return None
