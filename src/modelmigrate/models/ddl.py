"""The schema that the models declare, as the project's load_models.py prints it."""

import subprocess
import sys

from modelmigrate import project
from modelmigrate.errors import MigrateError


def read_models_ddl() -> str:
    """The schema that the models declare, as load_models.py prints it."""
    finished = subprocess.run(
        [sys.executable, project.root() / "load_models.py"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode:
        raise MigrateError(f"the models cannot be read\n{finished.stderr.strip()}")
    return finished.stdout
