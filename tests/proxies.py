"""What may stand between a client and a server: PgBouncer, and a plain TCP proxy."""

import platform
import re
import select
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import platformdirs
import pytest
from filelock import FileLock
from psycopg.conninfo import conninfo_to_dict

from modelmigrate.postgres.account import server_account
from tests.conftest import run
from tests.template.readme import free_port

MODES = ("transaction", "session", "statement")


class PgBouncer(NamedTuple):
    """A program, and the folders of libraries that the system may lack."""

    program: Path
    libraries: str

    @property
    def version(self) -> tuple[int, int]:
        said = subprocess.check_output([self.program, "--version"], env=self.environment, text=True)
        major, minor = re.findall(r"\d+", said)[:2]
        return int(major), int(minor)

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_LIBRARY_PATH": self.libraries} if self.libraries else {}


def find_pgbouncer(folder: Path) -> PgBouncer:
    """That of this machine, or Debian's, unpacked in `folder`; without both, the test is skipped."""
    if installed := shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer"):
        return PgBouncer(Path(installed), "")
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("there is no pgbouncer on this machine, and no Debian to take it from")
    name = f"pgbouncer-{platform.freedesktop_os_release().get('VERSION_CODENAME')}"
    cache = platformdirs.user_cache_path(name, appauthor=False)
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "lock"):
        if not (cache / "complete").exists():
            download(cache)
            (cache / "complete").touch()
    for package in cache.glob("*.deb"):
        run("dpkg-deb", "-x", package, folder, at=cache).check_returncode()
    libraries = sorted({str(file.parent) for file in folder.rglob("lib*.so.*")})
    return PgBouncer(folder / "usr" / "sbin" / "pgbouncer", ":".join(libraries))


def download(folder: Path) -> None:
    """Get the package and the libraries that it needs, of which some may be missing here."""
    # Where the lists are empty, as in images, they are fetched into a place that needs no root.
    own = [f"-oDir::{name}={folder / name.lower()}" for name in ("State", "Cache")]
    said = ""
    for options in ([], own):
        if options:
            for part in ("state/lists/partial", "cache/archives/partial"):
                (folder / part).mkdir(parents=True, exist_ok=True)
            run("apt-get", *options, "update", at=folder)
        needs = run("apt-cache", *options, "depends", "pgbouncer", at=folder).stdout
        libraries = set(re.findall(r"Depends: (lib\S+)", needs)) - {"libc6"}
        got = run("apt-get", *options, "download", "pgbouncer", *sorted(libraries), at=folder)
        if libraries and not got.returncode:
            return
        said = got.stderr.strip()
    pytest.skip(f"there is no pgbouncer on this machine, and Debian's cannot be fetched: {said}")


@contextmanager
def pooled(found: PgBouncer, url: str, folder: Path, **settings: str | int) -> Iterator[str]:
    """A PgBouncer before the database at `url`: the URL of its server, whose databases are MODES."""
    server = conninfo_to_dict(url)
    port = free_port()
    # Since 1.21 it can do without sessions for prepared statements; here it is one that cannot.
    older: dict[str, str | int] = {"max_prepared_statements": 0} if found.version >= (1, 21) else {}
    lines = [
        "[databases]",
        *(
            f"{mode} = host={server['host']} port={server['port']} user={server['user']}"
            f" dbname={server['dbname']} pool_mode={mode}"
            for mode in MODES
        ),
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = any",
        *(f"{name} = {value}" for name, value in (older | settings).items()),
    ]
    file, log = folder / f"pgbouncer-{port}.ini", folder / f"pgbouncer-{port}.log"
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    account = server_account()  # it refuses root, and the server's socket is private
    user, group = account or (None, None)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [found.program, file],
            env=found.environment,
            stdout=output,
            stderr=output,
            user=user,
            group=group,
            extra_groups=[] if account else None,
        )
    try:
        deadline = time.monotonic() + 30
        while not answers(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield f"postgresql://{server['user']}@127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def tunnelled(url: str) -> Iterator[str]:
    """The URL of the database at `url` over TCP: bytes are handed on, as an SSH tunnel does."""
    server = conninfo_to_dict(url)

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as there:
                there.connect(f"{server['host']}/.s.PGSQL.{server['port']}")
                others = {self.request: there, there: self.request}
                while True:
                    for each in select.select(list(others), [], [])[0]:
                        if not (data := each.recv(65536)):
                            return
                        others[each].sendall(data)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection) as tunnel:
        tunnel.daemon_threads = True
        threading.Thread(target=tunnel.serve_forever, kwargs={"poll_interval": 0.01}).start()
        port = tunnel.server_address[1]
        yield f"postgresql://{server['user']}@127.0.0.1:{port}/{server['dbname']}?sslmode=disable"
        tunnel.shutdown()
