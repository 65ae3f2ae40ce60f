"""Statements run where each may fail."""

from collections.abc import Iterable
from contextlib import closing
from typing import Any

import psycopg

from modelmigrate.postgres.connection import connect

AT_ONCE = 100


def fill(url: str, statements: Iterable[str]) -> dict[str, str]:
    """Run statements in whatever order works; those that never do, with the reason."""
    waiting = list(filter(str.strip, statements))
    with closing(connect(url, check_function_bodies="off")) as connection:
        batches = [waiting[i : i + AT_ONCE] for i in range(0, len(waiting), AT_ONCE)]
        waiting = [s for batch in batches if not run(connection, *batch) for s in batch]
        while waiting:
            failed = {s: str(e) for s in waiting if (e := error_of(connection, s))}
            if len(failed) == len(waiting):
                return failed
            waiting = list(failed)
    return {}


def run(connection: psycopg.Connection[Any], *statements: str) -> bool:
    """Run statements, all or none; whether they could be."""
    return error_of(connection, "\n".join(statements)) is None


def error_of(connection: psycopg.Connection[Any], statement: str) -> psycopg.Error | None:
    """Run a statement; why it could not be, if so."""
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        return error
    return None
