"""Who holds the lock that a migration waits for: looked at while it waits, since nobody can tell later."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import psycopg

from modelmigrate.errors import MigrateError
from modelmigrate.postgres.connection import connect

SECONDS = 0.25  # between two looks; what is over sooner asks nothing of the server
# `format` leaves nothing of a NULL.
BLOCKERS = """
    SELECT DISTINCT b.pid, format('PID %%s, user %%s, %%s, from %%s, %%s since %%s', b.pid,
                                  coalesce(b.usename, b.backend_type),
                                  coalesce(nullif(b.application_name, ''), 'no application_name'),
                                  coalesce(b.client_addr::text, 'this machine'),
                                  coalesce(b.state, 'running'),
                                  to_char(coalesce(b.xact_start, b.backend_start), 'HH24:MI:SS'))
    FROM pg_stat_activity w CROSS JOIN unnest(pg_blocking_pids(w.pid)) AS blocking (pid)
    JOIN pg_stat_activity b ON b.pid = blocking.pid
    WHERE %s IN (w.application_name, w.pid::text) AND w.datname = current_database()
      AND w.wait_event_type = 'Lock'
    ORDER BY b.pid"""


@contextmanager
def watch_blockers(url: str, waiting: str) -> Iterator[dict[int, str]]:
    """Meanwhile, look whom the sessions with this application_name, or PID, wait for. Yields whom they
    waited for last: what the server tells of them, by PID."""
    blockers: dict[int, str] = {}
    over = threading.Event()

    def look() -> None:
        if over.wait(SECONDS):
            return
        # Without a session to spare, or the right to see others, there is nothing to tell.
        with suppress(MigrateError, psycopg.Error), closing(connect(url)) as connection:
            while not over.is_set():
                if found := connection.execute(BLOCKERS, [waiting]).fetchall():
                    blockers.clear()
                    blockers.update(found)
                over.wait(SECONDS)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield blockers
    finally:
        over.set()
        thread.join(2)  # a server that is gone answers late


def describe(blockers: dict[int, str]) -> str:
    """Whom a migration waited for, and how to end it, as lines to add to an error; empty for nobody."""
    if not blockers:
        return ""
    lines = "".join(f"\n  {each}" for each in blockers.values())
    ended = "; ".join(f"SELECT pg_terminate_backend({pid})" for pid in blockers)
    return f"\nIt waited for:{lines}\nWhat need not go on is ended by: {ended}"
