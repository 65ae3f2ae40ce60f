"""The processes of a project's own servers: started, found and ended.

A pid file is never trusted: a process is ours if it is a PostgreSQL whose working directory is our data
folder. As root, which PostgreSQL refuses, servers run as `nobody`.
"""

import hashlib
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from psycopg.pq import PGconn, Ping

from modelmigrate.errors import MigrateError
from modelmigrate.isolation import isolated, without_libpq_variables
from modelmigrate.postgres.account import create_private, in_namespace, is_private, server_account
from modelmigrate.postgres.binaries import atomic_folder, server_version, usable_installation
from modelmigrate.postgres.connection import NO_FILE, connecting

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
        "autovacuum": "off",  # which keeps databases from being cloned, and changes plans unasked
    },
}
# What a process of ours may know of the environment: no secrets, and no PGHOST or the like.
INHERITED = ("PATH", "SYSTEMROOT", "TEMP")
HOMES = ("HOME", "XDG_CACHE_HOME", "USERPROFILE", "LOCALAPPDATA")  # where binaries were copied to


def address_of(data_dir: Path, name: str) -> dict[str, str]:
    """Where a server listens: in a folder with a short and plain name, since the path of a socket has
    100 bytes at most; on Windows, at a port of its own."""
    number = list(SERVERS).index(name)
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    if sys.platform == "win32":
        port = 20000 + int(digest, 16) % 5000 * 2 + number
        return {"host": "127.0.0.1", "port": str(port)}
    return {"host": f"/tmp/postgres-{digest}", "port": str(5432 + number)}  # noqa: S108 is_private


def answers(data_dir: Path, name: str) -> bool:
    """Whether a server answers where that of SERVERS listens."""
    address = address_of(data_dir, name)
    if sys.platform != "win32" and not is_private(Path(address["host"])):
        return False
    parameters = address | {"user": "postgres", "connect_timeout": "5", "passfile": NO_FILE}
    conninfo = " ".join(f"{key}={value}" for key, value in parameters.items())
    with connecting, without_libpq_variables():
        status = PGconn.ping(conninfo.encode())
    return status == Ping.OK


def start(root: Path, data_dir: Path, name: str) -> None:
    """Start a server of the project in the folder `root`, and who watches it.

    Raises:
        MigrateError: it does not start, with the end of its log; or another is there.
    """
    stop(data_dir, name)
    if answers(data_dir, name):
        raise MigrateError(
            f"another server answers at {':'.join(address_of(data_dir, name).values())}, where this"
            " project's own would listen. Nothing was changed. Stop that server or have it listen"
            " elsewhere; or, to use it, name it in DATABASE_URL."
        )
    binaries = usable_installation()
    _create_data(data_dir, name, binaries)
    address = address_of(data_dir, name)
    if sys.platform == "win32":
        listen = {"listen_addresses": address["host"]}
    elif create_private(Path(address["host"])):
        listen = {"listen_addresses": "", "unix_socket_directories": address["host"]}
    else:
        raise MigrateError(
            f"{address['host']} is not private to the user of the server. No server was started."
            " Remove that folder first."
        )
    options = {**SERVERS[name], **listen, "port": address["port"]}
    text = " ".join(f"-c {key}={value}" for key, value in options.items())
    run(data_dir, name, binaries / "pg_ctl", *f"start -w -t 120 -s -D {name} -o".split(), text)
    _start_watcher(root, data_dir, name)


def _start_watcher(root: Path, data_dir: Path, name: str) -> None:
    """Start the process that ends the server when nobody needs it any more. It holds no folder, pipe or
    terminal; and no zombie of it is left to us, since a shell starts it that ends at once."""
    postmaster = (data_dir / name / "postmaster.pid").read_text().split()[0]
    command = [sys.executable, "-P", "-m", "modelmigrate.postgres.watcher"]
    command += [str(root), str(data_dir), name, postmaster]
    kept = {key: value for key, value in isolated().items() if key in (*INHERITED, *HOMES)}
    with (data_dir / f"{name}.log").open("ab") as log:
        options: dict[str, Any] = {
            "cwd": data_dir.anchor,
            "env": {**kept, "PYTHONDONTWRITEBYTECODE": "1"},
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.DEVNULL,
            "stderr": log,
        }
        if sys.platform == "win32":
            flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
            subprocess.Popen(command, creationflags=flags, **options).returncode = 0
        else:
            shell = ["/bin/sh", "-c", '"$@" &', "sh", *command]
            subprocess.run(shell, start_new_session=True, check=False, **options)


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
            run(data_dir, name, *in_namespace(), binaries / "initdb", *options)
    version_file = data / "PG_VERSION"
    data_major = version_file.read_text().strip() if version_file.exists() else "an unknown version"
    if data_major != major:
        raise MigrateError(
            f"{data} was created by PostgreSQL {data_major}, but {binaries} is PostgreSQL {version}."
            f" Nothing was changed. Install PostgreSQL {data_major}, or move that folder away to start"
            " empty."
        )


def stop(data_dir: Path, name: str) -> bool:
    """End the processes of a server, by ever harder signals; whether there were any."""
    data = data_dir / name
    running = _processes(data)
    was_running = bool(running)
    for signal in ("INT", "QUIT", "KILL") if running else ():
        pg_ctl, pids = usable_installation() / "pg_ctl", {process.pid for process in running}
        for process in running:
            with suppress(psutil.Error, MigrateError):  # it may have ended by itself
                if process.ppid() not in pids:  # a postmaster ends its own children
                    run(data_dir, name, pg_ctl, "kill", signal, str(process.pid))
        deadline = time.monotonic() + 30
        while running and time.monotonic() < deadline:
            time.sleep(0.02)
            running = _processes(data)
    if running:
        raise MigrateError(
            f"the PostgreSQL server in {data} does not stop. See its log: {data}.log"
        )
    # No process uses these files any more, even if the pid in them is that of another program by now.
    (data / "postmaster.pid").unlink(missing_ok=True)
    address = address_of(data_dir, name)
    if is_private(Path(address["host"])) and not answers(data_dir, name):
        for socket in Path(address["host"]).glob(f".s.PGSQL.{address['port']}*"):
            socket.unlink()
    return was_running


def remove_socket_folder(data_dir: Path) -> None:
    """Remove the folder that the servers listened in, where none does any more."""
    with suppress(OSError):
        Path(address_of(data_dir, "dev")["host"]).rmdir()


def _processes(data: Path) -> list[psutil.Process]:
    """The PostgreSQL processes whose working directory is `data`, even if it was deleted meanwhile."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name().startswith("postgres") and process.cwd() == str(data):
                found.append(process)
    return found


def run(data_dir: Path, name: str, *command: str | Path) -> None:
    """Run a program as the server's user. Its output goes to the log, as does that of a server which it
    starts: the server would hold a pipe of ours open, and whoever reads it would wait for its end."""
    account = server_account()
    inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
    log = data_dir / f"{name}.log"
    with log.open("ab") as output:
        finished = subprocess.run(
            command,
            cwd=data_dir,  # so that no argument holds a path that a shell could split
            env={**inherited, "LC_ALL": "C", "TZ": "UTC"},
            user=account and account[0],
            group=account and account[1],
            extra_groups=account and [],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if finished.returncode:
        program = next(each.name for each in command if isinstance(each, Path))
        last_lines = "\n".join(log.read_text("utf-8", "replace").splitlines()[-5:])
        raise MigrateError(
            f"{program} failed. Nothing was changed. The end of {log}:\n{last_lines}"
        )
