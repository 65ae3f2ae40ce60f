"""The account that servers run as, and folders that are private to it."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from modelmigrate.errors import MigrateError


def require_account() -> None:
    """Check that data can be created by the user that a server would run as.

    Raises:
        MigrateError: the system does not know that user, whom `initdb` looks up; what to do.
    """
    if sys.platform == "win32" or is_known():
        return
    user_id = os.geteuid()
    if not user_id:
        raise MigrateError(
            "/etc/passwd has no entry for nobody, who runs the servers of root. Nothing was changed."
            " Add it where the image is built (useradd --system nobody), or set DATABASE_URL."
        )
    missing = f"/etc/passwd has no entry for uid {user_id}, which this process runs as"
    if not os.environ.get("HOME"):
        raise MigrateError(
            f"{missing}, and HOME is not set. Nothing was changed. Set HOME to a folder that this"
            " user may write to."
        )
    with suppress(OSError):
        probe = [*in_namespace(), "true"]
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return
    raise MigrateError(
        f"{missing}: PostgreSQL creates no data for an unknown user. Nothing was changed. Set"
        f" DATABASE_URL, or add the entry where the image is built (useradd --uid {user_id} NAME)."
    )


def is_known() -> bool:
    """Whether the system knows the user that servers run as. In a container, it may be any number."""
    if sys.platform == "win32":
        return True
    import pwd  # Windows has none

    try:
        return bool(pwd.getpwuid(os.geteuid()) if os.geteuid() else pwd.getpwnam("nobody"))
    except KeyError:
        return False


def in_namespace() -> list[str]:
    """What a program is run by to see itself as `nobody`, where the system does not know its user. Not
    every container allows it."""
    return [] if is_known() else ["unshare", "--user", "--map-user=65534", "--map-group=65534"]


def server_account() -> tuple[int, int] | None:
    """The user and group ids that servers run as: those of `nobody` for root, which PostgreSQL refuses;
    None for any other user, who runs them as themselves."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    import pwd  # Windows has none

    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def can_enter(path: Path) -> bool:
    """Whether the server's user may enter `path` and all folders above it. Their modes are never
    changed."""
    account = server_account()
    if not account:
        return True
    user_id, _ = account
    folders = [folder.stat() for folder in (path, *path.parents)]
    return all(each.st_mode & (0o100 if each.st_uid == user_id else 0o001) for each in folders)


def create_private(folder: Path) -> bool:
    """Create a folder that only the server's user may enter, unless it exists; whether it is one now."""
    account = server_account()
    with suppress(OSError):
        if can_enter(folder.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
            if sys.platform != "win32" and account and folder.lstat().st_uid == 0:
                os.chown(folder, *account, follow_symlinks=False)
    return is_private(folder)


def is_private(folder: Path) -> bool:
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
