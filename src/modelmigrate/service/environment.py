"""The virtual environment of a project, and the uv workspace around it: found out without uv."""

# As all that `setup` begins with: a Python >= 3.10, and nothing that must be installed.

import csv
import os
import re
from collections.abc import Iterator
from functools import partial
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from modelmigrate import project

VARIABLE = "UV_PROJECT_ENVIRONMENT"
HAS_TOML = find_spec("tomllib") is not None  # Python 3.10 has none, and learns less


def environment_folder() -> Path:
    """Where uv keeps the project's environment: `.venv`, unless a variable of uv's says otherwise."""
    return (workspace_above() or project.root()) / (os.environ.get(VARIABLE) or ".venv")


def environment_name() -> str:
    """The environment as it is shown to people."""
    if os.environ.get(VARIABLE):
        return f"{environment_folder()} ({VARIABLE})"
    return f"{environment_folder()}" if workspace_above() else ".venv"


def site_packages() -> list[Path]:
    """The folders that packages are installed in; none where there is no environment."""
    places = ("lib/python*/site-packages", "Lib/site-packages")
    return [folder for place in places for folder in environment_folder().glob(place)]


def distributions() -> Iterator[metadata.Distribution]:
    """The packages that are installed in the environment."""
    yield from metadata.distributions(path=[str(folder) for folder in site_packages()])


def packages_of_others() -> list[str]:
    """The names of the packages in an environment that another project installed; none where it is
    `.venv`, or holds a project of this name, or nothing."""
    if not os.environ.get(VARIABLE) or not HAS_TOML:
        return []
    names = sorted({normalized(each.name) for each in distributions() if each.name})
    return [] if normalized(project.name()) in names else names


def made_elsewhere() -> bool:
    """Whether the environment was made in another folder, and then moved or copied here: its scripts
    start the Python of that one, if it is there still."""
    folder = environment_folder()
    for scripts in (folder / "bin", folder / "Scripts"):
        activate = scripts / "activate"
        if activate.is_file():
            text = activate.read_text(encoding="utf-8", errors="replace").replace("'\\''", "'")
            return str(folder) not in text
    return False


def damaged_packages() -> list[str]:
    """The packages of the environment that lack files, or parts of files: the disk was full, or the
    installation was killed."""
    return sorted({each.name or "?" for each in distributions() if not is_whole(each)})


def is_whole(distribution: metadata.Distribution) -> bool:
    """Whether every file is there, with the size that the record of the installation says."""
    for name, _, size in csv.reader((distribution.read_text("RECORD") or ",,1").splitlines()):
        if size and not name.endswith(".pyc"):
            try:
                if Path(str(distribution.locate_file(name))).stat().st_size != int(size):
                    return False
            except OSError:
                return False
    return True


def normalized(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def workspace_above() -> Path | None:
    """The folder of the uv workspace that takes this project for a member, if there is one."""
    if not HAS_TOML:
        return None
    own = project.pyproject().get("tool", {}).get("uv", {})
    if "workspace" in own:
        return None
    for folder in project.root().parents:
        table = project.pyproject(folder).get("tool", {}).get("uv", {}).get("workspace")
        if table is not None:
            is_member = any(map(partial(matches, folder), table.get("members", [])))
            excluded = any(map(partial(matches, folder), table.get("exclude", [])))
            return folder if is_member and not excluded else None
    return None


def matches(folder: Path, pattern: str) -> bool:
    """Whether a pattern of the workspace in `folder` names the project."""
    try:
        return project.root() in folder.glob(pattern)
    except (NotImplementedError, ValueError):  # of pathlib, for absolute and empty patterns
        return False
