"""Statements run where each may fail."""

from collections.abc import Iterable
from contextlib import closing
from typing import Any

import psycopg

from modelmigrate.postgres.connection import connect

BATCH_SIZE = 100


def execute_in_any_order(url: str, statements: Iterable[str]) -> dict[str, str]:
    """Run statements in whatever order works; those that never do, with the reason."""
    waiting = list(filter(str.strip, statements))
    with closing(connect(url, check_function_bodies="off")) as connection:
        batches = [waiting[i : i + BATCH_SIZE] for i in range(0, len(waiting), BATCH_SIZE)]
        waiting = [s for batch in batches if not execute_all(connection, *batch) for s in batch]
        while waiting:
            failed = {s: str(e) for s in waiting if (e := try_execute(connection, s))}
            if len(failed) == len(waiting):
                return failed
            waiting = list(failed)
    return {}


def execute_all(connection: psycopg.Connection[Any], *statements: str) -> bool:
    """Run statements, all or none; whether they could be."""
    return try_execute(connection, "\n".join(statements)) is None


def try_execute(connection: psycopg.Connection[Any], statement: str) -> psycopg.Error | None:
    """Run a statement; why it could not be, if so."""
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        return error
    return None
