"""An exercise is a folder of `workshop/exercises`; there is no list of them elsewhere."""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from modelmigrate.errors import MigrateError

FOLDER = Path(__file__).resolve().parents[1] / "exercises"


@dataclass(frozen=True)
class Exercise:
    """What `exercise.toml` says, and where that is."""

    folder: Path
    number: int
    title: str
    minutes: int
    """The time that it is meant to take."""
    hints: list[str]
    """From a nudge to nearly the answer."""
    short: bool = False
    """Whether it is one of the 60 minutes' selection."""
    solution_rolls_back: bool = False
    """Whether the newest migration of the start is rolled back before the solution is put in place."""

    @property
    def heading(self) -> str:
        return f"Exercise {self.number}: {self.title} ({self.minutes} minutes)"

    @property
    def text(self) -> str:
        return (self.folder / "text.md").read_text(encoding="utf-8")

    @property
    def start_sql(self) -> str:
        """What is run on the database once the migrations of the start are applied."""
        file = self.folder / "start.sql"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    @property
    def start(self) -> str:
        """The tag of the commit that the exercise starts from."""
        return f"start/{self.number}"

    @property
    def branch(self) -> str:
        """The branch that it is worked on."""
        return f"exercise/{self.number}"

    @property
    def missing(self) -> Callable[[Any], Iterator[str]]:
        """The function of its `check.py`."""
        module = import_module(f"workshop.exercises.{self.folder.name}.check")
        found: Callable[[Any], Iterator[str]] = module.missing
        return found


def exercises(folder: Path = FOLDER) -> list[Exercise]:
    """Every exercise of the folder, in their order.

    Raises:
        MigrateError: an `exercise.toml` is not understood, or two have the same number.
    """
    found = [_read(file) for file in sorted(folder.glob("*/exercise.toml"))]
    numbers = [each.number for each in found]
    if twice := sorted({number for number in numbers if numbers.count(number) > 1}):
        raise MigrateError(f"two exercises have the number {twice[0]}. Give one of them another.")
    return sorted(found, key=lambda each: each.number)


def _read(file: Path) -> Exercise:
    try:
        return Exercise(file.parent, **tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise MigrateError(f"{file} is not understood: {error}. Nothing was done.") from None


def exercise(number: int) -> Exercise:
    """The exercise with this number.

    Raises:
        MigrateError: there is none.
    """
    known = {each.number: each for each in exercises()}
    if number not in known:
        raise MigrateError(
            f"there is no exercise {number}. Nothing was changed. Choose one of:"
            f" {', '.join(f'n={each}' for each in known)}"
        )
    return known[number]
