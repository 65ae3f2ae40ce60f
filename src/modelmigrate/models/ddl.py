"""The schema that the models declare, as DDL: read from the project's load_models.py."""

import subprocess
import sys

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.isolation import isolated


def read_models_ddl() -> str:
    """The DDL that load_models.py prints, run by this Python in a process of its own.

    Raises:
        MigrateError: it fails; with what it wrote to stderr.
    """
    finished = subprocess.run(
        [sys.executable, project.root() / "load_models.py"],
        env=isolated(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode:
        raise MigrateError(f"the models cannot be read\n{finished.stderr.strip()}")
    return finished.stdout
