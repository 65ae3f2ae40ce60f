"""An ALTER TABLE statement as data: which table, and what is done with it."""

import re
from typing import NamedTuple

from modelmigrate.sql.names import IDENTIFIER, QUALIFIED
from modelmigrate.sql.statements import split_at_commas, strip_comments

ALTER_TABLE = re.compile(
    rf"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?(?P<table>{QUALIFIED})\s+(?P<actions>.*?);?\s*\Z",
    re.DOTALL,
)
# The actions on one column or constraint that others may depend on. Not ADD or RENAME COLUMN, and not
# what a column is merely told, such as SET DEFAULT.
CHANGE_TYPE = re.compile(rf"ALTER COLUMN (?P<column>{IDENTIFIER}) TYPE (?P<type>.*)", re.DOTALL)
DROP_COLUMN = re.compile(rf"DROP COLUMN (?:IF EXISTS )?(?P<column>{IDENTIFIER})")
DROP_CONSTRAINT = re.compile(rf"DROP CONSTRAINT (?:IF EXISTS )?(?P<constraint>{IDENTIFIER})")


class AlterTable(NamedTuple):
    """The table, quoted where it needs to be, and the actions between the commas."""

    table: str
    actions: list[str]

    @property
    def statement(self) -> str:
        return f"ALTER TABLE {self.table} {', '.join(self.actions)};"


def parse_alter_table(statement: str) -> AlterTable | None:
    """The parts of an ALTER TABLE; None for any other statement."""
    found = ALTER_TABLE.match(strip_comments(statement))
    return AlterTable(found["table"], split_at_commas(found["actions"])) if found else None
