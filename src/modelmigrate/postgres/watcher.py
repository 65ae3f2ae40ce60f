"""Ends a server of a project's own that nobody needs: `python -m modelmigrate.postgres.watcher`.

One runs beside each server, and ends with it. A server is not needed when nobody has been connected for
`idle-timeout` (see `modelmigrate.postgres.idle`), or when its project is gone.
"""

import os
import signal
import sys
import time
from pathlib import Path

# Seconds in which nothing is loaded beyond this file: many servers live no longer.
YOUNG = 10.0


def main(root: Path, data_dir: Path, name: str, postmaster: int) -> None:
    """Watch the server whose first process is `postmaster` until it ends, or end it."""
    grown_up = time.monotonic() + YOUNG
    while (root / ".postgres").exists() and time.monotonic() < grown_up:
        written = first_process(data_dir / name)
        # While its project is being deleted, a server may live on without the file.
        if written != str(postmaster) and (written or not is_alive(postmaster)):
            return
        time.sleep(0.25)
    try:
        from modelmigrate.postgres.idle import watch
    except (ImportError, OSError):  # gone with the project
        if sys.platform != "win32":
            os.kill(postmaster, signal.SIGQUIT)
        return
    watch(root, data_dir, name, postmaster)


def first_process(data: Path) -> str:
    """The pid that a server has written into its data folder; nothing where there is none."""
    try:
        return (data / "postmaster.pid").read_text().partition("\n")[0].strip()
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    """Whether there is a process with this pid; on Windows, where asking would end it, perhaps."""
    if sys.platform != "win32":
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # it is another user's
            return True
    return True


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
