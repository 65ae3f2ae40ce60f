"""Programs that are offered as Go modules alone: built once on a machine, and kept beside its other caches."""

import functools
import re
from pathlib import Path

import platformdirs
from filelock import FileLock

from modelmigrate.atlas.go import find_go
from tests.conftest import run


@functools.cache
def go_program(module: str) -> Path:
    """The program that this version of a module is. Of several workers, one builds it: Go itself would
    compile all of it in each."""
    path, _, version = module.partition("@")
    name = re.sub(r"/v\d+$", "", path).rpartition("/")[2]
    folder = platformdirs.user_cache_path(f"{name}-{version}", appauthor=False)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / name).exists():
            built = run(find_go(), "install", module, at=folder, env={"GOBIN": str(folder)})
            assert built.returncode == 0, built.stderr
    return folder / name
