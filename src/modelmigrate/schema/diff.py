"""Two schemas compared, object by object."""

import difflib
from fnmatch import fnmatchcase as fnmatch
from typing import NamedTuple

from modelmigrate.schema.table import one_by_one, table_parts
from modelmigrate.sql.patterns import NUMBER, TEXTS


class Entry(NamedTuple):
    """One object, or one property that `pg_dump` tells apart from its object."""

    kind: str
    """TABLE, FK CONSTRAINT, VIEW and so on."""
    name: str
    """With its schema: `public.users uq_users_username`."""
    create: str
    drop: str
    """Empty where `pg_dump` knows none: see `plan`."""

    @property
    def label(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def meaning(self) -> str:
        """The same for all spellings of the same: a migrated table has its columns in the order
        of their making, and may have odd names for its NOT NULLs."""
        text = TEXTS.sub(one_by_one, self.create)
        if self.kind != "TABLE":
            return text
        head, body, tail = table_parts(NUMBER.sub(r"DEFAULT \1 ", text))
        return "\n".join([head, *sorted(body), tail])


class Difference(NamedTuple):
    """What two schemas disagree on."""

    label: str
    expected: Entry | None
    found: Entry | None

    @property
    def kind(self) -> str:
        side = self.expected or self.found
        return side.kind if side else ""

    @property
    def name(self) -> str:
        return self.label.removeprefix(f"{self.kind} ")

    @property
    def how(self) -> str:
        if self.expected is None:
            return "extra"
        return "missing" if self.found is None else "changed"

    def lines(self) -> list[str]:
        """What is expected (-) and what is found (+)."""
        before, after = (
            side.meaning.splitlines() if side else [] for side in (self.expected, self.found)
        )
        changes = list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
        return [line for line in changes if not line.startswith("@@")]


Schema = dict[str, Entry]


def compare(expected: Schema, found: Schema) -> list[Difference]:
    """What differs, in the order of making."""
    labels = [*expected, *(label for label in found if label not in expected)]
    pairs = [(label, expected.get(label), found.get(label)) for label in labels]
    return [Difference(*pair) for pair in pairs if not same(*pair[1:])]


def without(differences: list[Difference], ignored: tuple[str, ...]) -> list[Difference]:
    """The differences that no glob of `ignored` names."""
    return [each for each in differences if not any(fnmatch(each.label, glob) for glob in ignored)]


def same(one: Entry | None, other: Entry | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.create == other.create or one.meaning == other.meaning
