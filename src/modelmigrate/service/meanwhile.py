"""Atlas, built while packages are locked and installed: neither needs the other, and both take long."""

# As all that `setup` begins with: a Python >= 3.10, and nothing that must be installed.

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from modelmigrate import project
from modelmigrate.isolation import isolated
from modelmigrate.service.environment import HAS_TOML, environment_folder

# What the build imports, as pyproject.toml has it.
NEEDS = ("filelock>=4.2,<5", "platformdirs>=4.14,<5")


@contextmanager
def atlas_meanwhile(uv: str) -> Iterator[None]:
    """Look for Atlas, and build it, beside what is done in this context. The step `atlas` finds it or
    waits for it; what went wrong is tried, and told, there.

    Where there is an environment already, nothing takes long enough.
    """
    notes = _file()
    notes.unlink(missing_ok=True)
    if environment_folder().exists() or not HAS_TOML:
        yield
        return
    notes.parent.mkdir(exist_ok=True)
    options = ("--no-project", "-qq", "--python", sys.executable, *(f"--with={n}" for n in NEEDS))
    package = str(Path(__file__).parents[2])  # the wheel, or where it is installed
    with (
        notes.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            (uv, "run", *options, "python", "-m", "modelmigrate.atlas.binary"),
            cwd=project.root(),
            env=isolated(PYTHONPATH=package),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
        ) as build,
    ):
        try:
            yield
        finally:
            build.terminate()
            with suppress(OSError):
                notes.unlink()
                notes.parent.rmdir()  # unless a step has kept something there


def notes_on_atlas() -> str:
    """What the build has told so far; nothing where there is none, or it has failed."""
    with suppress(OSError):
        return _file().read_text(encoding="utf-8").rstrip()
    return ""


def _file() -> Path:
    return project.root() / ".cache" / "atlas.log"
