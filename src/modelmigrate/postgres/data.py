"""Where the data of a project's own servers lies, and what is left of projects that are gone."""

import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

import platformdirs
from filelock import FileLock

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.postgres.account import create_private, is_private
from modelmigrate.postgres.processes import SERVERS, remove_socket_folder, stop

# Beside data outside its project: the project's path, for people, and a hard link to the symbolic link
# `.postgres` there. That one tells a project which was deleted from one which was only moved.
PROJECT_FILE, CLAIM = "project", "claim"


def find_data_dir() -> Path:
    """`.postgres`: a folder, or a link to one where the server's user cannot enter the project (it is
    in root's home) or where its file system has no private folders.

    Raises:
        MigrateError: it is not private to that user.
    """
    folder = project.servers_dir()
    if not folder.is_symlink() and not create_private(folder):
        label = f"{folder.parent.name}-{secrets.token_hex(4)}"
        elsewhere = platformdirs.user_state_path(label, appauthor=False, use_site_for_root=True)
        elsewhere.parent.mkdir(parents=True, exist_ok=True)
        for data_dir in elsewhere.parent.glob("*-????????"):
            remove_abandoned(data_dir)
        with suppress(OSError):
            folder.rmdir()
        with suppress(OSError):
            folder.symlink_to(elsewhere)
    data_dir = folder.resolve()
    if not create_private(data_dir):
        raise MigrateError(
            f"{data_dir} is not private to the user of the server (mode 0700). No server was started."
            " Remove that folder, or set DATABASE_URL."
        )
    if folder.is_symlink():
        _claim(data_dir, folder)
    return data_dir


def _claim(data_dir: Path, link: Path) -> None:
    """Write beside the data which project it belongs to; a copy of that project claims nothing."""
    claim, note = data_dir / CLAIM, data_dir / PROJECT_FILE
    with suppress(OSError):  # another file system: it then stays for ever
        if claim.is_symlink() and not os.path.samestat(claim.lstat(), link.lstat()):
            if claim.lstat().st_nlink > 1:
                return
            claim.unlink()
        if not claim.is_symlink():
            os.link(link, claim, follow_symlinks=False)
        text = os.fsencode(link.parent) + b"\n"
        if not note.exists() or note.read_bytes() != text:
            note.write_bytes(text)


def is_abandoned(data_dir: Path) -> bool:
    """Whether this is provably data that the link of a project led to, and that link is gone: neither at
    the path that was noted, nor anywhere else."""
    claim = data_dir / CLAIM
    try:
        if not (re.search(r"-[0-9a-f]{8}$", data_dir.name) and is_private(data_dir)):
            return False
        link = Path(os.fsdecode((data_dir / PROJECT_FILE).read_bytes().strip())) / ".postgres"
        led_here = claim.readlink().resolve() == data_dir.resolve()
        return led_here and claim.lstat().st_nlink == 1 and leads_elsewhere(link, data_dir)
    except OSError:
        return False


def leads_elsewhere(link: Path, data_dir: Path) -> bool:
    """Whether `.postgres` of a project is gone, or is not this data. What cannot be read may be."""
    try:
        return link.resolve(strict=True) != data_dir.resolve()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, RuntimeError):
        return False


def remove_abandoned(data_dir: Path) -> None:
    """Stop the servers of data that is abandoned, and remove it; any other data is left alone."""
    if not is_abandoned(data_dir):
        return
    with suppress(OSError, MigrateError), FileLock(data_dir / "lock"):
        if is_abandoned(data_dir):  # still: another process may have done it, or claimed it
            for name in SERVERS:
                stop(data_dir, name)
            remove_socket_folder(data_dir)
            shutil.rmtree(data_dir, ignore_errors=True)
