"""What every test of the package is given."""

import os
from collections.abc import Iterator
from unittest.mock import patch

import pytest


@pytest.fixture(autouse=True)
def environment_of_its_own() -> Iterator[None]:
    """Commands run in this very process, and `--project` and `.env` go into its environment."""
    with patch.dict(os.environ):
        yield
