"""What every test of the package is given."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.conftest import in_memory
from tests.package.harness import Project, begun_anew, project_with_models


@pytest.fixture(autouse=True)
def environment_of_its_own() -> Iterator[None]:
    """Commands run in this very process, and `--project` and `.env` go into its environment."""
    with patch.dict(os.environ):
        yield


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A short path that `nobody` may enter too."""
    folder = Path(tempfile.mkdtemp(prefix="pg-tests-", dir=in_memory()))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def shared() -> Iterator[Project]:
    """A project that a module's tests use one after the other."""
    with project_with_models("shop") as made:
        yield made


@pytest.fixture
def project(shared: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project without migrations or models, and an empty database, the environment `live`."""
    with begun_anew(shared, monkeypatch):
        yield shared


@pytest.fixture
def live(project: Project) -> str:
    """The URL of that database."""
    return os.environ["LIVE_DATABASE_URL"]
