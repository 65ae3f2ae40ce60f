"""PostgreSQL servers of the project's own, started on demand. They run until `stop_servers()`, or until
nobody has been connected for a while. Their data is in `.postgres`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from filelock import FileLock

from modelmigrate import project
from modelmigrate.isolation import OWN_SERVERS, OwnServer
from modelmigrate.postgres.account import require_account
from modelmigrate.postgres.connection import has_answered
from modelmigrate.postgres.data import find_data_dir
from modelmigrate.postgres.processes import SERVERS as SERVERS
from modelmigrate.postgres.processes import (
    address_of,
    answers,
    remove_socket_folder,
    start,
    stop,
)

# What libpq would take from the environment, said in words that Atlas accepts, too: PGHOSTADDR would lead
# to another server.
EXPLICIT = {"sslmode": "disable", "hostaddr": ""}


def server_url(name: str) -> str:
    """The URL of the database `postgres` of a server of SERVERS, which is created and started first
    where it is not running.

    Raises:
        MigrateError: there is no PostgreSQL to start, or it does not start; with the end of its log.
    """
    require_startable(name)
    data_dir = find_data_dir()
    restart = partial(_ensure_running, project.servers_dir().parent, data_dir, name)
    alive = (data_dir / name / "postmaster.pid").exists()
    if not alive or not has_answered(data_dir / name, **address_of(data_dir, name)):
        restart()
    return own_url(data_dir, name, restart)


def own_url(data_dir: Path, name: str, restart: Callable[[], object]) -> str:
    """The URL of a server of our own, which it is known by from now on."""
    address = address_of(data_dir, name)
    OWN_SERVERS[address["host"], address["port"]] = OwnServer(data_dir / name, restart)
    return f"postgresql://postgres@/postgres?{urlencode(address | EXPLICIT, safe='/')}"


def require_startable(name: str) -> None:
    """Check, before anything is created, that a server could have its data.

    Raises:
        MigrateError: it has none yet, and the system does not know the user that would create it.
    """
    if not (project.servers_dir() / name).exists():
        require_account()


def is_running(name: str) -> bool:
    """Whether a server of SERVERS answers. One whose data folder was deleted counts as stopped."""
    folder = project.servers_dir()
    return folder.exists() and _is_running(folder.resolve(), name)


def stop_servers() -> list[str]:
    """Stop the servers of this project, whichever process started them, and return their names.

    Raises:
        MigrateError: one does not stop.
    """
    if not project.servers_dir().exists():
        return []
    data_dir = find_data_dir()
    with FileLock(data_dir / "lock"):
        stopped = [
            f"{name} server in {data_dir / name}" for name in SERVERS if stop(data_dir, name)
        ]
        remove_socket_folder(data_dir)
    return stopped


def _ensure_running(root: Path, data_dir: Path, name: str) -> None:
    if data_dir.exists() and not _is_running(data_dir, name):
        with FileLock(data_dir / "lock"):
            if not _is_running(data_dir, name):
                start(root, data_dir, name)


def _is_running(data_dir: Path, name: str) -> bool:
    return (data_dir / name / "postmaster.pid").exists() and answers(data_dir, name)
