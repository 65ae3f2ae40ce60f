"""The package is made of rooms: a newcomer finds a thing by its folder, and reads a file in one go."""

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT, run

PACKAGE = ROOT / "src" / "modelmigrate"
FILES = sorted(PACKAGE.rglob("*.py"))
PUBLIC = ast.FunctionDef | ast.ClassDef


def test_a_room_uses_the_rooms_below_it_alone() -> None:
    checked = run("lint-imports", "--no-cache", "--no-logo", at=ROOT)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_a_file_is_short_and_says_what_it_is_for(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= (550 if file.name == "cli.py" else 280)
    assert ast.get_docstring(ast.parse(text)) or not text


def test_every_public_function_and_class_says_what_it_means() -> None:
    silent = [
        f"{file.relative_to(PACKAGE)}: {node.name}"
        for file in FILES
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, PUBLIC) and not node.name.startswith("_")
        if not ast.get_docstring(node)
    ]
    assert silent == []


def test_only_the_command_line_and_what_it_says_know_the_terminal() -> None:
    """Typer stays in cli.py, so that every other room can be used without it."""
    texts = {file.name: file.read_text(encoding="utf-8") for file in FILES}
    assert [name for name, text in texts.items() if "import typer" in text] == ["cli.py"]
    printing = [name for name, text in texts.items() if re.search(r"\bprint\(", text)]
    assert printing == ["cli.py", "terminal.py"]


def test_the_rooms_are_told_where_a_newcomer_looks() -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    for room in rooms - {"__init__", "__main__", "__pycache__", "py"}:
        assert f"`{room}`" in told, room
