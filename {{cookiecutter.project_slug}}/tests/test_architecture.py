import subprocess
import sys
from pathlib import Path

from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]


def test_the_layers_keep_their_contracts() -> None:
    assert lint_imports(str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_models_need_neither_web_framework_nor_settings_nor_driver() -> None:
    program = "import sys, domain.models; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT / "src",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert "sqlalchemy.orm" in loaded
    assert not {"fastapi", "starlette", "pydantic", "psycopg", "structlog", "main"} & {*loaded}
