"""PostgreSQL servers of the project's own, started on demand and up until `stop_servers()`.

They live in `.postgres`. What a pid file says is never trusted: a process is ours when it is a
PostgreSQL that works in our folder. As root, which PostgreSQL refuses, servers run as `nobody`.
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
LARGE = {"max_locks_per_transaction": "512"}  # a migration may make thousands of tables at once
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
    """The URL of a server's database `postgres`; the server is made and started when it is down.

    Raises:
        MigrateError: There is no PostgreSQL to start, or it does not start; with its last words.
    """
    home = _data_dir()
    if not is_running(name):
        with FileLock(home / "lock"):
            if not is_running(name):
                _start(home, name)
    return f"postgresql://postgres@/postgres?{urlencode(_address(home, name), safe='/')}"


def is_running(name: str) -> bool:
    """Whether a server is up. Without its folder it is lost: the project was deleted meanwhile."""
    home = _data_dir()
    address = _address(home, name)
    target = " ".join(f"{key}={value}" for key, value in address.items())
    return (
        (home / name / "postmaster.pid").exists()
        and (sys.platform == "win32" or _is_private(Path(address["host"])))
        and PGconn.ping(f"user=postgres connect_timeout=5 {target}".encode()) == Ping.OK
    )


def stop_servers() -> list[str]:
    """Stops the servers of this project, whichever process started them; names those it stopped.

    Raises:
        MigrateError: One does not stop.
    """
    home = _data_dir()
    with FileLock(home / "lock"):
        stopped = [f"{name} server in {home / name}" for name in SERVERS if _stop(home, name)]
        with suppress(OSError):
            Path(_address(home, "dev")["host"]).rmdir()
    return stopped


def _address(home: Path, name: str) -> dict[str, str]:
    """Where a server listens: in a folder with a short and plain name, wherever the project is."""
    number = list(SERVERS).index(name)
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    if sys.platform == "win32":
        port = 20000 + int(digest, 16) % 5000 * 2 + number
        return {"host": "127.0.0.1", "port": str(port), "sslmode": "disable"}
    return {"host": f"/tmp/postgres-{digest}", "port": str(5432 + number)}  # noqa: S108 _private


def _start(home: Path, name: str) -> None:
    _stop(home, name)
    binaries = usable_installation()
    _create_data(home, name, binaries)
    address = _address(home, name)
    if sys.platform == "win32":
        listen = {"listen_addresses": address["host"]}
    elif _create_private(Path(address["host"])):
        listen = {"listen_addresses": "", "unix_socket_directories": address["host"]}
    else:
        raise MigrateError(
            f"{address['host']} is somebody else's: nothing started. Remove it first."
        )
    options = {**SERVERS[name], **listen, "port": address["port"]}
    text = " ".join(f"-c {key}={value}" for key, value in options.items())
    _run(home, name, binaries / "pg_ctl", *f"start -w -t 120 -s -D {name} -o".split(), text)


def _create_data(home: Path, name: str, binaries: Path) -> None:
    """Makes a server's data folder if there is none, and refuses one of another major version."""
    data, current = home / name, server_version(binaries)
    major = re.split(r"\D", current)[0]
    if not data.exists():
        common = ["-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        # Strings are sorted and folded alike on every system.
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        locale = builtin if int(major) >= 17 else ["--locale=C.UTF-8"]
        sync = ["--no-sync"] if "fsync" in SERVERS[name] else []
        with atomic_folder(data) as part:
            _run(home, name, binaries / "initdb", "-D", part.name, *common, *locale, *sync)
    mark = data / "PG_VERSION"
    made_by = mark.read_text().strip() if mark.exists() else "an unknown version"
    if made_by != major:
        raise MigrateError(
            f"{data} was made by PostgreSQL {made_by}, and {binaries} is {current}. Nothing was"
            f" touched: install PostgreSQL {made_by}, or move that folder away to start empty."
        )


def _stop(home: Path, name: str) -> bool:
    """Ends what works in a server's folder, in order if it can; whether there was anything."""
    ours = _processes(home / name)
    found = bool(ours)
    for signal in ("INT", "QUIT", "KILL") if ours else ():
        pg_ctl, family = usable_installation() / "pg_ctl", {process.pid for process in ours}
        for process in ours:
            with suppress(psutil.Error, MigrateError):  # it may have ended by itself
                if process.ppid() not in family:
                    _run(home, name, pg_ctl, "kill", signal, str(process.pid))
        deadline = time.monotonic() + 30
        while ours and time.monotonic() < deadline:
            time.sleep(0.02)
            ours = _processes(home / name)
    if ours:
        raise MigrateError(f"PostgreSQL in {home / name} does not stop: see {home / name}.log")
    # Nobody works there, so these are leftovers, even if the pid in them is a stranger's by now.
    address = _address(home, name)
    sockets = Path(address["host"]).glob(f".s.PGSQL.{address['port']}*")
    for leftover in (home / name / "postmaster.pid", *sockets):
        leftover.unlink(missing_ok=True)
    return found


def _processes(data: Path) -> list[psutil.Process]:
    """The living PostgreSQL processes that work in `data`, even if it was deleted meanwhile."""
    ours = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name().startswith("postgres") and process.cwd() == str(data):
                ours.append(process)
    return ours


def _run(home: Path, name: str, program: Path, *arguments: str) -> None:
    """Runs a program as the server's user. Its output goes to the log, as does that of a server it
    starts: on a pipe of ours, the server would keep whoever reads from it waiting."""
    account = server_account()
    kept = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT", "TEMP") if key in os.environ}
    log = home / f"{name}.log"
    with log.open("ab") as output:
        done = subprocess.run(
            [program, *arguments],
            cwd=home,  # so that no argument holds a path that a shell could take apart
            env={**kept, "LC_ALL": "C", "TZ": "UTC"},  # no secrets, no PGHOST and friends
            user=account and account[0],
            group=account and account[1],
            extra_groups=account and [],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        words = "\n".join(log.read_text("utf-8", "replace").splitlines()[-5:])
        raise MigrateError(
            f"{program.name} failed, and data is as it was. The end of {log}:\n{words}"
        )


def _data_dir() -> Path:
    """`.postgres`: a folder, or a link to one where the server's user cannot get into the project
    (it is in root's home) or where its file system knows no private folders."""
    home = project.root() / ".postgres"
    if not home.is_symlink() and not _create_private(home):
        label = f"{project.root().name}-{secrets.token_hex(4)}"
        elsewhere = platformdirs.user_state_path(label, appauthor=False, use_site_for_root=True)
        elsewhere.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            home.rmdir()
        with suppress(OSError):
            home.symlink_to(elsewhere)
    home = home.resolve()
    if not _create_private(home):
        raise MigrateError(
            f"{home} is not the server's own (its user alone may enter, mode 0700): nothing was"
            " started. Remove it, or set DATABASE_URL."
        )
    return home


def _create_private(folder: Path) -> bool:
    """Makes a folder for the server's user alone; whether that was to be had."""
    account = server_account()
    with suppress(OSError):
        if can_enter(folder.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
            if sys.platform != "win32" and account and folder.lstat().st_uid == 0:
                os.chown(folder, *account, follow_symlinks=False)
    return _is_private(folder)


def _is_private(folder: Path) -> bool:
    if sys.platform == "win32":
        return folder.is_dir()
    account = server_account()
    try:
        status = folder.lstat()
    except OSError:
        return False
    owner = account[0] if account else os.geteuid()
    return status.st_uid == owner and not status.st_mode & 0o077 and can_enter(folder)
