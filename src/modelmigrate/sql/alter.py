"""An ALTER TABLE statement as data: which table, and what is done with it."""

import functools
import re
from typing import NamedTuple

from modelmigrate.sql.names import IDENTIFIER, QUALIFIED
from modelmigrate.sql.statements import replace_outside_quotes, split_at_commas, strip_comments

ALTER_TABLE = re.compile(
    rf"(?P<head>ALTER TABLE (?:IF EXISTS )?(?:ONLY )?(?P<table>{QUALIFIED})\s+)(?P<actions>.*?);?\s*\Z",
    re.DOTALL,
)
# The actions that add a column, or change a column or constraint that others may depend on. Not RENAME
# COLUMN, and not what a column is merely told, such as SET DEFAULT.
CHANGE_TYPE = re.compile(rf"ALTER COLUMN (?P<column>{IDENTIFIER}) TYPE (?P<type>.*)", re.DOTALL)
ADD_COLUMN = re.compile(rf"ADD COLUMN (?:IF NOT EXISTS )?(?P<column>{IDENTIFIER})")
DROP_COLUMN = re.compile(rf"DROP COLUMN (?:IF EXISTS )?(?P<column>{IDENTIFIER})")
DROP_CONSTRAINT = re.compile(rf"DROP CONSTRAINT (?:IF EXISTS )?(?P<constraint>{IDENTIFIER})")
# The actions that read the whole table, or build an index of it, while nobody can write to it. Not a
# constraint without a name, or one that is NOT VALID, NOT ENFORCED or an EXCLUDE, nor what has its index.
ADD_CHECKED = re.compile(
    rf"ADD CONSTRAINT (?P<constraint>{IDENTIFIER})\s+(?:CHECK|FOREIGN KEY)\b"
    r"(?!.*\bNOT (?:VALID|ENFORCED)\s*\Z)",
    re.DOTALL,
)
ADD_KEY = re.compile(
    rf"ADD (?:CONSTRAINT (?P<constraint>{IDENTIFIER})\s+)?(?P<kind>UNIQUE|PRIMARY KEY)\b"
    r"(?! USING INDEX )"
)
SET_NOT_NULL = re.compile(rf"ALTER COLUMN (?P<column>{IDENTIFIER}) SET NOT NULL\Z")
# The actions on columns that constraints may need; and the one that needs a column to be NOT NULL.
ADD_OR_ALTER_COLUMN = re.compile(r"(?:ADD|ALTER) COLUMN ")
ADD_IDENTITY = re.compile(rf"ALTER COLUMN {IDENTIFIER} ADD GENERATED ")
# The actions that give a table, a column or a constraint another name.
RENAME = re.compile(rf"RENAME TO (?P<name>{IDENTIFIER})")
SET_SCHEMA = re.compile(rf"SET SCHEMA (?P<schema>{IDENTIFIER})")
RENAME_COLUMN = re.compile(rf"RENAME COLUMN (?P<column>{IDENTIFIER}) TO ")
RENAME_CONSTRAINT = re.compile(rf"RENAME CONSTRAINT (?P<constraint>{IDENTIFIER}) TO ")


class AlterTable(NamedTuple):
    """The table, quoted where it needs to be, and the actions between the commas."""

    head: str
    """What comes before the actions: ALTER TABLE, perhaps IF EXISTS or ONLY, and the table."""
    table: str
    actions: list[str]

    @property
    def statement(self) -> str:
        return f"{self.head}{', '.join(self.actions)};"


@functools.lru_cache(4096)  # a plan is looked through again and again
def parse_alter_table(statement: str) -> AlterTable | None:
    """The parts of an ALTER TABLE; None for any other statement."""
    found = ALTER_TABLE.match(strip_comments(statement))
    if not found:
        return None
    actions = replace_outside_quotes(found["actions"], r"\s+", " ")  # Atlas breaks long lines
    return AlterTable(found["head"], found["table"], split_at_commas(actions))
