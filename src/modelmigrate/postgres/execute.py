"""Statements whose failure is an answer, not an error."""

import re
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import psycopg

from modelmigrate.errors import MigrateError
from modelmigrate.postgres.connection import connect

# Connections, resources such as memory and disk, shutdowns, the operating system, corruption: see
# https://www.postgresql.org/docs/current/errcodes-appendix.html
# A file that is missing (58P01) is what a CREATE EXTENSION or a C function asked for.
SERVER_FAILED = re.compile("08|53|57P|58(?!P01)|F0|XX001|XX002")
BATCH_SIZE = 100  # statements that are sent at once
MUCH = 1 << 20  # bytes


def execute_in_any_order(url: str, statements: Iterable[str]) -> dict[str, psycopg.Error]:
    """Run statements in whatever order works: first in batches, for speed, then one by one, again and
    again while that gets more of them to succeed. Returns those that never do, each with its last
    error."""
    remaining = list(filter(str.strip, statements))
    with closing(connect(url, check_function_bodies="off")) as connection:
        batches = [remaining[i : i + BATCH_SIZE] for i in range(0, len(remaining), BATCH_SIZE)]
        failed_batches = [batch for batch in batches if not execute_all(connection, *batch)]
        remaining = [statement for batch in failed_batches for statement in batch]
        while remaining:
            failed = {
                statement: error
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
    """Run a statement; the error if it fails, else None.

    Raises:
        MigrateError: no statement could run: the disk is full, the server stops.
    """
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        require_statement_to_blame(error)
        return error
    return None


def require_statement_to_blame(error: psycopg.Error) -> None:
    """Raise MigrateError where it is not the statement that the server has failed at."""
    if not error.sqlstate or SERVER_FAILED.match(error.sqlstate):
        raise MigrateError(
            f"PostgreSQL cannot go on: {error}\nThat was on a scratch database, and no file was written."
            " Fix the cause, then repeat the command."
        ) from None


def compact(url: str, table: str) -> None:
    """Give back the room of what was written over in a table of a scratch database, if it takes much."""
    with closing(connect(url)) as connection:
        [(size,)] = connection.execute("SELECT pg_total_relation_size(%s)", [table]).fetchall()
        if size > MUCH:
            connection.execute(f"VACUUM FULL {table}".encode())
