"""Tables as they are drawn, and how much room they need; lengths are in pixels."""

from typing import NamedTuple
from unicodedata import east_asian_width

HEAD = 32  # height of a box's head, with the table's name
ROW = 20  # height of a row, with a column
FOOT = 8
CHAR = 7.4  # width of a narrow letter


class Column(NamedTuple):
    """A column as it is drawn."""

    name: str
    type: str
    nullable: bool
    marks: tuple[str, ...]
    """Of PK, FK and UK."""
    note: str = ""
    """What is said of it beside."""


class Reference(NamedTuple):
    """A foreign key."""

    columns: tuple[str, ...]
    table: str
    """The table that it refers to."""
    to_columns: tuple[str, ...]
    unique: bool
    """Whether at most one row refers to a row."""
    nullable: bool
    """Whether a row may refer to none."""


class Table(NamedTuple):
    """A table as it is drawn, with the foreign keys that leave it."""

    name: str
    columns: tuple[Column, ...] = ()
    references: tuple[Reference, ...] = ()
    external: bool = False
    """Whether it is drawn in another picture, and is here by its name only because it is referred to."""


class Box(NamedTuple):
    """A table as drawn."""

    table: Table
    columns: list[Column]
    """Those that are shown."""
    note: str
    """A last row, on what is not shown."""
    focus: bool = False
    """Whether the picture is about this table."""

    @property
    def height(self) -> int:
        return HEAD + ROW * (len(self.columns) + bool(self.note)) + FOOT

    @property
    def indent(self) -> int:
        """Room for the marks before the names, in letters."""
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
        """How far below the top the line of a reference starts: at a column that no other
        reference has, if there is one."""
        others = {c for r in self.table.references if r != reference for c in r.columns}
        own = [c for c in reference.columns if c not in others] or reference.columns
        return HEAD + ROW * [column.name for column in self.columns].index(own[0]) + ROW // 2


def text_width(text: str) -> int:
    """How many narrow letters need as much room."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def type_label(column: Column) -> str:
    """The type, with a question mark where the column may be NULL."""
    return f"{column.type}{'?' if column.nullable else ''}"


def key_marks(column: Column) -> str:
    """The keys that a column belongs to, such as `PK FK`."""
    return " ".join(column.marks)
