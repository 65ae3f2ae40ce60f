"""Two schemas compared, object by object."""

import difflib
from fnmatch import fnmatchcase as fnmatch
from typing import NamedTuple

from modelmigrate.schema.table import normalize_array_cast, split_table
from modelmigrate.sql.patterns import CAST_OF_TEXT_ARRAY, QUOTED_NUMBER_DEFAULT


class SchemaObject(NamedTuple):
    """One object, or one property that `pg_dump` tells apart from its object."""

    kind: str
    """TABLE, FK CONSTRAINT, VIEW and so on."""
    name: str
    """With its schema: `public.users uq_users_username`."""
    create_sql: str
    drop_sql: str
    """Empty where `pg_dump` knows none: see `plan`."""

    @property
    def label(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def normalized_sql(self) -> str:
        """The same for all spellings of the same: a migrated table has its columns in the order
        of their making, and may have odd names for its NOT NULLs."""
        text = CAST_OF_TEXT_ARRAY.sub(normalize_array_cast, self.create_sql)
        if self.kind != "TABLE":
            return text
        head, body, tail = split_table(QUOTED_NUMBER_DEFAULT.sub(r"DEFAULT \1 ", text))
        return "\n".join([head, *sorted(body), tail])


class Change(NamedTuple):
    """What two schemas disagree on."""

    label: str
    desired: SchemaObject | None
    current: SchemaObject | None

    @property
    def kind(self) -> str:
        side = self.desired or self.current
        return side.kind if side else ""

    @property
    def name(self) -> str:
        return self.label.removeprefix(f"{self.kind} ")

    @property
    def how(self) -> str:
        if self.desired is None:
            return "extra"
        return "missing" if self.current is None else "changed"

    def lines(self) -> list[str]:
        """What is expected (-) and what is found (+)."""
        before, after = (
            side.normalized_sql.splitlines() if side else []
            for side in (self.desired, self.current)
        )
        changes = list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
        return [line for line in changes if not line.startswith("@@")]


Schema = dict[str, SchemaObject]


def diff(expected: Schema, found: Schema) -> list[Change]:
    """What differs, in the order of making."""
    labels = [*expected, *(label for label in found if label not in expected)]
    pairs = [(label, expected.get(label), found.get(label)) for label in labels]
    return [Change(*pair) for pair in pairs if not equivalent(*pair[1:])]


def filter_ignored(differences: list[Change], ignored: tuple[str, ...]) -> list[Change]:
    """The differences that no glob of `ignored` names."""
    return [each for each in differences if not any(fnmatch(each.label, glob) for glob in ignored)]


def equivalent(one: SchemaObject | None, other: SchemaObject | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.create_sql == other.create_sql or one.normalized_sql == other.normalized_sql
