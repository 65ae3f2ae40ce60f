"""Tables as they are drawn, and how much room their text needs."""

from typing import NamedTuple
from unicodedata import east_asian_width

# Every other column stands lower by SHIFT, so that its rows' lines do not meet its neighbours'.
HEAD = 32
ROW = 20
FOOT = 8
CHAR = 7.4


class Column(NamedTuple):
    name: str
    type: str
    null: bool
    marks: tuple[str, ...]  # of PK, FK, UK


class Reference(NamedTuple):
    """A foreign key. `unique`: at most one row refers to a row; `null`: it may refer to none."""

    columns: tuple[str, ...]
    table: str
    to: tuple[str, ...]
    unique: bool
    null: bool


class Table(NamedTuple):
    name: str
    columns: tuple[Column, ...] = ()
    references: tuple[Reference, ...] = ()
    here: bool = True  # False: it is referred to, but lies in another schema


class Box(NamedTuple):
    """A table as drawn: the columns shown, and a word on those that are not."""

    table: Table
    columns: list[Column]
    note: str
    kinds: str

    @property
    def height(self) -> int:
        return HEAD + ROW * (len(self.columns) + bool(self.note)) + FOOT

    @property
    def indent(self) -> int:
        """Room for the marks, before the names."""
        return max(
            (text_width(key_marks(column)) + 1 for column in self.columns if column.marks),
            default=0,
        )

    @property
    def width(self) -> float:
        rows = (text_width(column.name) + text_width(type_label(column)) for column in self.columns)
        letters = max(text_width(self.table.name), 16, self.indent + 2 + max(rows, default=0))
        return CHAR * letters + 20

    def row(self, reference: Reference) -> int:
        """How far below the top the line of a reference starts: at a column of its own, if any."""
        others = {c for r in self.table.references if r != reference for c in r.columns}
        own = [c for c in reference.columns if c not in others] or reference.columns
        return HEAD + ROW * [column.name for column in self.columns].index(own[0]) + ROW // 2


def text_width(text: str) -> int:
    """How many narrow letters need as much room."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def type_label(column: Column) -> str:
    return f"{column.type}{'?' if column.null else ''}"


def key_marks(column: Column) -> str:
    return " ".join(column.marks)
