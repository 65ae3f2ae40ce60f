"""Sessions of scratch databases that are used again: to begin one takes as long as several queries, and
its first queries take longer than those of one that has read the catalogs."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

# Those that wait, by the URL of their database: of each that is kept.
waiting: dict[str, list["Session"]] = {}
users: Counter[str] = Counter()
cloned: Counter[str] = Counter()  # how often just now
lock = threading.Lock()


class Session(psycopg.Connection[Any]):
    """A connection which, instead of being closed, waits where sessions of its database are kept."""

    database_url = ""
    """Of the database, where it may wait."""

    def set(self, settings: Mapping[str, str]) -> None:
        """Set run-time parameters of the server, until it is closed."""
        for name, value in settings.items():
            self.execute("SELECT set_config(%s, %s, false)", [name, value])

    def close(self) -> None:
        """Make it as new and let it wait, or end it."""
        if is_kept(self.database_url) and self.is_made_as_new():
            with lock:
                if is_kept(self.database_url):
                    waiting[self.database_url].append(self)
                    return
        self.end()

    def is_made_as_new(self) -> bool:
        """Whether nothing is left of what it was used for."""
        if self.info.transaction_status != TransactionStatus.IDLE:
            return False
        try:
            self.execute("DISCARD ALL")
        except psycopg.Error:
            return False
        return True

    def end(self) -> None:
        """Close it."""
        super().close()


@contextmanager
def sessions_kept(url: str) -> Iterator[str]:
    """Meanwhile, sessions of this database wait to be used again."""
    with lock:
        waiting.setdefault(url, [])
        users[url] += 1
    try:
        yield url
    finally:
        with lock:
            users[url] -= 1
            sessions = [] if users[url] else waiting.pop(url)
        for session in sessions:
            session.end()


def is_kept(url: str) -> bool:
    """Whether sessions of this database wait to be used again."""
    return url in waiting and not cloned[url]


def waiting_session(url: str, settings: Mapping[str, str]) -> Session | None:
    """A session that waits no more, with these run-time parameters; None where there is none, or it was
    cut off."""
    with lock:
        session = waiting[url].pop() if waiting.get(url) else None
    if session is None:
        return None
    try:
        session.execute("")
        session.set(settings)
    except psycopg.Error:
        session.end()
        return None
    return session


@contextmanager
def no_sessions(url: str) -> Iterator[None]:
    """Meanwhile, no session of this database waits, not even one that another thread has just closed."""
    with lock:
        cloned[url] += 1
    try:
        end_sessions(url)
        yield
    finally:
        with lock:
            cloned[url] -= 1


def end_sessions(url: str) -> None:
    """End those that wait; a database with sessions can be neither cloned nor renamed."""
    while session := waiting_session(url, {}):
        session.end()
