"""The schema that the models declare, as DDL: read from the project's load_models.py."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.isolation import isolated

# Of load_models.py, where it runs already.
_started: list["subprocess.Popen[str]"] = []


@contextmanager
def models_being_loaded() -> Iterator[None]:
    """Load the models beside what comes first in here, and takes as long: imports, servers."""
    with suppress(MigrateError):  # without a project; who asks for the models says so
        project.load_environment()
        _started.append(_start())
    try:
        yield
    finally:
        while _started:
            unasked = _started.pop()
            unasked.kill()
            unasked.communicate()


def read_models_ddl() -> str:
    """The DDL that load_models.py prints, run by this Python in a process of its own.

    Raises:
        MigrateError: it fails; with what it wrote to stderr.
    """
    process = _started.pop() if _started else _start()
    ddl, errors = process.communicate()
    if process.returncode:
        raise MigrateError(f"the models cannot be read\n{errors.strip()}")
    return ddl


def _start() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, project.root() / "load_models.py"],
        env=isolated(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
