"""What a workshop needs besides what the project does, and a line to paste into the chat."""

import os
import platform
import shutil
import socket
import time
from contextlib import closing

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.git import git
from modelmigrate.postgres.connection import connect, url_of_database
from modelmigrate.postgres.environments import development_url
from modelmigrate.service import doctor

from workshop.participant.progress import participant, tell_board

ROOM = 1 << 30  # bytes that databases, caches and clones may need


def diagnose() -> str:
    """The checks of the project and those below; a line for each, then one for the chat.

    Raises:
        MigrateError: a check failed; the same lines.
    """
    lines, failed = [], []
    checks = doctor.CHECKS | CHECKS
    del checks["template"]  # nobody updates to a later one in a workshop
    for name, check in checks.items():
        try:
            lines.append(f"ok   {name:<11} {check()}")
        except (MigrateError, OSError) as error:
            failed.append(name)
            lines.append(f"FIX  {name:<11} {error}")
    about = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    verdict = f"FIX {', '.join(failed)}" if failed else "ready"
    report = "\n".join([*lines, f"For the chat: {participant()}: {verdict} ({about})"])
    if failed:
        raise MigrateError(f"{len(failed)} of {len(checks)} checks failed\n{report}")
    return report


def databases() -> str:
    """Whether exercises can recreate their database."""
    url = os.environ.get("DATABASE_URL") or development_url()
    with closing(connect(url_of_database(url, "postgres"), "DATABASE_URL")) as server:
        query = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
        [(may,)] = server.execute(query).fetchall()
    if not may:
        raise MigrateError("the role may not create databases: ALTER ROLE name CREATEDB")
    return "can be created"


def port() -> str:
    """Whether `make run` can listen."""
    number = int(os.environ.get("APP_PORT") or 8000)
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", number))
        except OSError:
            raise MigrateError(f"{number} is in use: set another APP_PORT in .env") from None
    return f"{number} is free"


def disk() -> str:
    """Whether there is room."""
    free = shutil.disk_usage(project.root()).free
    if free < ROOM:
        raise MigrateError(f"{free >> 20} MB are free: make room for {ROOM >> 20} MB")
    return f"{free >> 30} GB are free"


def clock() -> str:
    """Whether new migrations will be newer than those at hand."""
    if time.time() < float(git("log", "-1", "--format=%ct", "main")):
        raise MigrateError(
            "it is slow, and new migrations would be older than those at hand: set it"
        )
    return time.strftime("%Y-%m-%d %H:%M:%S %Z")


def line_ends() -> str:
    """Whether git has left the migrations as they are: Atlas knows their checksums."""
    changed = [
        file.name for file in project.migrations_dir().rglob("*.sql") if b"\r" in file.read_bytes()
    ]
    if changed:
        fix = "git config core.autocrlf false, then make reset"
        raise MigrateError(f"{', '.join(changed)} were given carriage returns: {fix}")
    return "as they were written"


def board() -> str:
    """Whether the instructor's board hears of this participant; without it, all else works."""
    return tell_board() or os.environ.get("WORKSHOP_URL") or "none in this room"


CHECKS = {
    "databases": databases,
    "port": port,
    "disk": disk,
    "clock": clock,
    "line ends": line_ends,
    "board": board,
}
