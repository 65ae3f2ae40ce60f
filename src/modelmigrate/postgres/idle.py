"""A server of a project's own that nobody needs any more: noticed, and ended."""

import math
import select
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
from filelock import FileLock

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.postgres.connection import open_session
from modelmigrate.postgres.data import leads_elsewhere, remove_abandoned
from modelmigrate.postgres.processes import remove_socket_folder, stop
from modelmigrate.postgres.server import own_url

TICK = 2.0  # seconds between two looks at the project's folder
LONGEST_PAUSE = 30.0  # and between two at the sessions
# Who is connected, and how many sessions there were: some may have come and gone.
SESSIONS = """
    SELECT (SELECT count(*) FROM pg_stat_activity
            WHERE backend_type IN ('client backend', 'walsender') AND pid <> pg_backend_pid()),
           (SELECT sum(sessions)::bigint FROM pg_stat_database)"""


def watch(root: Path, data_dir: Path, name: str, pid: int) -> None:
    """Watch the server whose first process has this pid until it ends, or end it."""
    try:
        postmaster = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
    url = own_url(data_dir, name, lambda: None)
    while is_alive(postmaster):
        if leads_elsewhere(root / ".postgres", data_dir):
            end_orphan(data_dir, postmaster)
            return
        # The session is lost when the server ends, but also when it recovers from a crash.
        with suppress(psycopg.Error), closing(open_session(url)) as connection:
            stop_when_idle(connection, root, data_dir, name)
        time.sleep(0.2)


def stop_when_idle(
    connection: psycopg.Connection[Any], root: Path, data_dir: Path, name: str
) -> None:
    """Wait until nobody has been connected for long enough, and stop the server; or until the project
    is gone.

    Raises:
        psycopg.Error: the session was lost.
    """
    sessions, active, asked = None, time.monotonic(), -math.inf
    limit: float = project.Settings().idle_timeout * 60
    while not leads_elsewhere(root / ".postgres", data_dir):
        with suppress(MigrateError, OSError):  # it is being edited
            limit = project.settings(root).idle_timeout * 60
        pause = min(max(limit / 4, 0.05), LONGEST_PAUSE) if limit else LONGEST_PAUSE
        if (now := time.monotonic()) - asked >= pause:
            asked = now
            [(clients, seen)] = connection.execute(SESSIONS).fetchall()
            if clients or seen != sessions:
                sessions, active = seen, now
            elif limit and now - active >= limit:
                with FileLock(data_dir / "lock"):  # no command is starting it, or about to
                    if connection.execute(SESSIONS).fetchall() == [(0, sessions)]:
                        stop(data_dir, name)
                        remove_socket_folder(data_dir)
                        return
        if select.select([connection.fileno()], [], [], min(pause, TICK))[0]:
            asked = -math.inf  # the server has ended the session: asking it tells


def is_alive(process: psutil.Process) -> bool:
    """Whether it has not ended, nor waits for a parent that never looks."""
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def end_orphan(data_dir: Path, postmaster: psutil.Process) -> None:
    """End a server whose project is gone, and its data where that was left elsewhere. The programs of
    PostgreSQL may be gone with the project, so the server is told by signals."""
    signals = [2, 3, 9]  # INT, QUIT, KILL
    with suppress(psutil.Error):
        if not Path(postmaster.cwd()).exists():  # there is nothing to write a checkpoint to
            signals.remove(2)
    for signal in signals:
        with suppress(psutil.Error):
            postmaster.send_signal(signal)
        deadline = time.monotonic() + 20
        while is_alive(postmaster) and time.monotonic() < deadline:
            time.sleep(0.05)
    remove_socket_folder(data_dir)
    remove_abandoned(data_dir)
