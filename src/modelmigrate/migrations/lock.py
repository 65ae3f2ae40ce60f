"""One migration at a time: the advisory locks, and who holds them."""

import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from modelmigrate.atlas.binary import atlas_binary
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.postgres.connection import connect

# Of every modelmigrate; and Atlas's own, the FNV-1 hash of "atlas_migrate_execute".
PACKAGE_LOCK, ATLAS_LOCK = 4_711_820_991_202, 2_686_470_616
LOCK_HOLDER = """
    SELECT format('PID %%s, user %%s, %%s, from %%s, since %%s', a.pid, a.usename,
                  nullif(a.application_name, ''), coalesce(a.client_addr::text, 'this machine'),
                  to_char(a.backend_start, 'HH24:MI:SS'))
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND (l.classid::bigint << 32) + l.objid::bigint = %s
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


@contextmanager
def migration_lock(
    url: str, seconds: float, *, ours: bool = True
) -> Iterator[psycopg.Connection[Any]]:
    """Hold the lock that one migration at a time may have, or with `ours=False` that of Atlas by hand;
    yields the session that holds it.

    Raises:
        MigrateError: as for `take_lock`, or there is no Atlas.
    """
    atlas_binary()  # it may have to be built, which takes longer than others wait for the lock
    with closing(connect(url)) as connection:
        take_lock(connection, PACKAGE_LOCK if ours else ATLAS_LOCK, seconds)
        yield connection


def take_lock(
    connection: psycopg.Connection[Any],
    key: int,
    seconds: float,
    owner: str = "another migration",
    left: str = "Nothing was changed.",
) -> None:
    """Take the advisory lock with this key, for the session. Of whom it is, and what was left, is said
    where it is not free.

    It is polled, since a session that waits in the server would block CREATE INDEX CONCURRENTLY.

    Raises:
        MigrateError: it was not free within `seconds` (exit code 5); who holds it.
    """
    deadline = time.monotonic() + seconds
    while True:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
        if row and row[0]:
            return
        if time.monotonic() > deadline:
            holder = connection.execute(LOCK_HOLDER, [key]).fetchone()
            raise MigrateError(
                f"{owner} holds the lock: {holder[0] if holder else 'it has just ended'}.\n"
                f"{left} Retry when it ends. If its client is dead, an administrator can end it:"
                " SELECT pg_terminate_backend(PID)",
                Exit.BUSY,
            )
        time.sleep(0.05 + random.random() * 0.1)  # noqa: S311 no secret


def backoff(attempt: int) -> float:
    """Seconds until the next attempt: more each time, and never at the same moment as others."""
    return min(2.0 ** (attempt - 1), 30.0) * random.uniform(0.5, 1)  # noqa: S311 no secret
