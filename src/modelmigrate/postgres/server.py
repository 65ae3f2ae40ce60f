"""PostgreSQL servers of the project's own, started on demand; they run until `stop_servers()`.

Their data is in `.postgres`. A pid file is never trusted: a process is ours if it is a PostgreSQL whose
working directory is our data folder. As root, which PostgreSQL refuses, servers run as `nobody`.
"""

import hashlib
import os
import re
import secrets
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import platformdirs
import psutil
from filelock import FileLock
from psycopg.pq import PGconn, Ping

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.postgres.binaries import (
    atomic_folder,
    can_enter,
    server_account,
    server_version,
    usable_installation,
)

QUIET = {"log_checkpoints": "off", "log_min_error_statement": "panic"}  # statements hold passwords
LARGE = {"max_locks_per_transaction": "512"}  # a migration may create thousands of tables at once
# The settings of each server: `dev` keeps its data after a crash, `scratch` need not.
SERVERS = {
    "dev": {**QUIET, **LARGE},
    "scratch": {
        **QUIET,
        **LARGE,
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
    },
}


def server_url(name: str) -> str:
    """The URL of the database `postgres` of a server of SERVERS, which is created and started first
    where it is not running.

    Raises:
        MigrateError: there is no PostgreSQL to start, or it does not start; with the end of its log.
    """
    data_dir = _data_dir()
    if not is_running(name):
        with FileLock(data_dir / "lock"):
            if not is_running(name):
                _start(data_dir, name)
    return f"postgresql://postgres@/postgres?{urlencode(_address(data_dir, name), safe='/')}"


def is_running(name: str) -> bool:
    """Whether a server of SERVERS answers. One whose data folder was deleted counts as stopped."""
    data_dir = _data_dir()
    address = _address(data_dir, name)
    conninfo = " ".join(f"{key}={value}" for key, value in address.items())
    return (
        (data_dir / name / "postmaster.pid").exists()
        and (sys.platform == "win32" or _is_private(Path(address["host"])))
        and PGconn.ping(f"user=postgres connect_timeout=5 {conninfo}".encode()) == Ping.OK
    )


def stop_servers() -> list[str]:
    """Stop the servers of this project, whichever process started them, and return their names.

    Raises:
        MigrateError: one does not stop.
    """
    data_dir = _data_dir()
    with FileLock(data_dir / "lock"):
        stopped = [
            f"{name} server in {data_dir / name}" for name in SERVERS if _stop(data_dir, name)
        ]
        with suppress(OSError):
            Path(_address(data_dir, "dev")["host"]).rmdir()
    return stopped


def _address(data_dir: Path, name: str) -> dict[str, str]:
    """Where a server listens: in a folder with a short and plain name, since the path of a socket has
    100 bytes at most; on Windows, at a port of its own."""
    number = list(SERVERS).index(name)
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    if sys.platform == "win32":
        port = 20000 + int(digest, 16) % 5000 * 2 + number
        return {"host": "127.0.0.1", "port": str(port), "sslmode": "disable"}
    return {"host": f"/tmp/postgres-{digest}", "port": str(5432 + number)}  # noqa: S108 _private


def _start(data_dir: Path, name: str) -> None:
    _stop(data_dir, name)
    binaries = usable_installation()
    _create_data(data_dir, name, binaries)
    address = _address(data_dir, name)
    if sys.platform == "win32":
        listen = {"listen_addresses": address["host"]}
    elif _create_private(Path(address["host"])):
        listen = {"listen_addresses": "", "unix_socket_directories": address["host"]}
    else:
        raise MigrateError(
            f"{address['host']} is not private to the user of the server. No server was started."
            " Remove that folder first."
        )
    options = {**SERVERS[name], **listen, "port": address["port"]}
    text = " ".join(f"-c {key}={value}" for key, value in options.items())
    _run(data_dir, name, binaries / "pg_ctl", *f"start -w -t 120 -s -D {name} -o".split(), text)


def _create_data(data_dir: Path, name: str, binaries: Path) -> None:
    """Create a server's data if there is none, and refuse that of another major version."""
    data, version = data_dir / name, server_version(binaries)
    major = re.split(r"\D", version)[0]
    if not data.exists():
        common = ["-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        # So that strings have the same order and the same lower case on every system.
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        locale = builtin if int(major) >= 17 else ["--locale=C.UTF-8"]
        sync = ["--no-sync"] if "fsync" in SERVERS[name] else []
        with atomic_folder(data) as temporary:
            options = ["-D", temporary.name, *common, *locale, *sync]
            _run(data_dir, name, binaries / "initdb", *options)
    version_file = data / "PG_VERSION"
    data_major = version_file.read_text().strip() if version_file.exists() else "an unknown version"
    if data_major != major:
        raise MigrateError(
            f"{data} was created by PostgreSQL {data_major}, but {binaries} is PostgreSQL {version}."
            f" Nothing was changed. Install PostgreSQL {data_major}, or move that folder away to start"
            " empty."
        )


def _stop(data_dir: Path, name: str) -> bool:
    """End the processes of a server, by ever harder signals; whether there were any."""
    data = data_dir / name
    running = _processes(data)
    was_running = bool(running)
    for signal in ("INT", "QUIT", "KILL") if running else ():
        pg_ctl, pids = usable_installation() / "pg_ctl", {process.pid for process in running}
        for process in running:
            with suppress(psutil.Error, MigrateError):  # it may have ended by itself
                if process.ppid() not in pids:  # a postmaster ends its own children
                    _run(data_dir, name, pg_ctl, "kill", signal, str(process.pid))
        deadline = time.monotonic() + 30
        while running and time.monotonic() < deadline:
            time.sleep(0.02)
            running = _processes(data)
    if running:
        raise MigrateError(
            f"the PostgreSQL server in {data} does not stop. See its log: {data}.log"
        )
    # No process uses these files any more, even if the pid in them is that of another program by now.
    address = _address(data_dir, name)
    sockets = Path(address["host"]).glob(f".s.PGSQL.{address['port']}*")
    for leftover in (data / "postmaster.pid", *sockets):
        leftover.unlink(missing_ok=True)
    return was_running


def _processes(data: Path) -> list[psutil.Process]:
    """The PostgreSQL processes whose working directory is `data`, even if it was deleted meanwhile."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name().startswith("postgres") and process.cwd() == str(data):
                found.append(process)
    return found


def _run(data_dir: Path, name: str, program: Path, *arguments: str) -> None:
    """Run a program as the server's user. Its output goes to the log, as does that of a server which it
    starts: the server would hold a pipe of ours open, and whoever reads it would wait for its end."""
    account = server_account()
    inherited = {
        key: os.environ[key] for key in ("PATH", "SYSTEMROOT", "TEMP") if key in os.environ
    }
    log = data_dir / f"{name}.log"
    with log.open("ab") as output:
        finished = subprocess.run(
            [program, *arguments],
            cwd=data_dir,  # so that no argument holds a path that a shell could split
            env={**inherited, "LC_ALL": "C", "TZ": "UTC"},  # no secrets, and no PGHOST or the like
            user=account and account[0],
            group=account and account[1],
            extra_groups=account and [],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if finished.returncode:
        last_lines = "\n".join(log.read_text("utf-8", "replace").splitlines()[-5:])
        raise MigrateError(
            f"{program.name} failed. Nothing was changed. The end of {log}:\n{last_lines}"
        )


def _data_dir() -> Path:
    """`.postgres`: a folder, or a link to one where the server's user cannot enter the project (it is
    in root's home) or where its file system has no private folders."""
    folder = project.root() / ".postgres"
    if not folder.is_symlink() and not _create_private(folder):
        label = f"{project.root().name}-{secrets.token_hex(4)}"
        elsewhere = platformdirs.user_state_path(label, appauthor=False, use_site_for_root=True)
        elsewhere.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            folder.rmdir()
        with suppress(OSError):
            folder.symlink_to(elsewhere)
    folder = folder.resolve()
    if not _create_private(folder):
        raise MigrateError(
            f"{folder} is not private to the user of the server (mode 0700). No server was started."
            " Remove that folder, or set DATABASE_URL."
        )
    return folder


def _create_private(folder: Path) -> bool:
    """Create a folder that only the server's user may enter, unless it exists; whether it is one now."""
    account = server_account()
    with suppress(OSError):
        if can_enter(folder.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
            if sys.platform != "win32" and account and folder.lstat().st_uid == 0:
                os.chown(folder, *account, follow_symlinks=False)
    return _is_private(folder)


def _is_private(folder: Path) -> bool:
    """Whether the server's user owns a folder, and no one else may enter it."""
    if sys.platform == "win32":
        return folder.is_dir()
    account = server_account()
    try:
        status = folder.lstat()
    except OSError:
        return False
    owner = account[0] if account else os.geteuid()
    return status.st_uid == owner and not status.st_mode & 0o077 and can_enter(folder)
