"""Two schemas compared, object by object.

Two objects are the same in one of three senses. From the strictest and cheapest to the widest:

1. Identical: `create_sql` is the same text. Nearly all objects are, so this is asked first.
2. Equivalent: `normalized_sql` is the same text, so the order of a table's columns and of privileges does not count, nor
   do names that PostgreSQL gave to its NOT NULLs. This is what `diff` means.
3. Equal after a round trip: equivalent once both schemas were rebuilt from their own dumps. PostgreSQL
   prints some expressions differently after it has read what it printed. This is what
   `rebuild.diff_normalized` means, and with it "no drift", "rolled back" and every verification of a
   script. Where `diff` finds no change it costs nothing more; else two scratch databases.
"""

import difflib
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase as fnmatch
from typing import NamedTuple

from modelmigrate.schema.table import split_table

# How the options of an identity column begin, which `pg_dump` writes as those of a sequence.
IDENTITY = re.compile(
    r"ALTER TABLE (?:ONLY )?(?P<table>\S+) ALTER COLUMN (?P<column>.+?) ADD (?=GENERATED )"
)


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """One object, or one property that `pg_dump` writes apart from its object."""

    kind: str
    """TABLE, FK CONSTRAINT, VIEW and so on."""
    name: str
    """With its schema: `public.users uq_users_username`. Unquoted where that can be read in one way only."""
    create_sql: str
    drop_sql: str
    """Empty where `pg_dump` writes none: see `planning.kinds.inverse_statement`."""
    belongs_to: tuple[str, ...] = ()
    """The labels of the tables, views and so on that it is a part of, and is dropped with."""
    catalog: tuple[int, int] = field(default=(0, 0), compare=False)
    """The oids of its catalog and of its row there, which differ between databases."""
    schema: str = ""
    """The one that it is in, unquoted; empty for what is in none."""

    @property
    def label(self) -> str:
        """Kind and name, unique in a schema."""
        return f"{self.kind} {self.name}"

    @property
    def quoted_name(self) -> str:
        """The name as SQL has it, with its schema; for what has a DROP statement of its own."""
        return self.drop_sql.removeprefix(f"DROP {self.kind} IF EXISTS ").removesuffix(";")

    @property
    def title(self) -> str:
        """The label for people: an identity is known by its column, not by its sequence."""
        identity = IDENTITY.match(self.create_sql)
        if not identity:
            return self.label
        return f"IDENTITY {identity['table'].removeprefix('public.')}.{identity['column']}"

    @property
    def told_sql(self) -> str:
        """`normalized_sql`, of an identity its options alone."""
        return IDENTITY.sub("", self.normalized_sql)

    @property
    def normalized_sql(self) -> str:
        """`create_sql`, the same text for all forms of the same definition: a migrated table has its
        columns in the order of their creation, and privileges are written in the order of theirs."""
        if self.kind.endswith("ACL"):
            return "\n".join(sorted(self.create_sql.splitlines()))
        if self.kind != "TABLE":
            return self.create_sql
        head, body, tail = split_table(self.create_sql)
        return "\n".join([head, *sorted(body), tail])


class Change(NamedTuple):
    """An object that two schemas do not agree on."""

    label: str
    desired: SchemaObject | None
    current: SchemaObject | None

    @property
    def kind(self) -> str:
        side = self.desired or self.current
        return side.kind if side else ""

    @property
    def title(self) -> str:
        """The label for people: see `SchemaObject.title`."""
        side = self.desired or self.current
        return side.title if side else self.label

    @property
    def schema(self) -> str:
        side = self.desired or self.current
        return side.schema if side else ""

    @property
    def name(self) -> str:
        return self.label.removeprefix(f"{self.kind} ")

    @property
    def how(self) -> str:
        """`extra` (in the current schema only), `missing` (in the desired one only) or `changed`."""
        if self.desired is None:
            return "extra"
        return "missing" if self.current is None else "changed"

    def lines(self) -> list[str]:
        """The lines that differ: those of the desired (-) and of the current (+) definition."""
        desired, current = (
            side.told_sql.splitlines() if side else [] for side in (self.desired, self.current)
        )
        changes = list(difflib.unified_diff(desired, current, lineterm="", n=0))[2:]
        return [line for line in changes if not line.startswith("@@")]


Schema = dict[str, SchemaObject]
"""The objects by their labels, in an order in which they can be created."""


def diff(desired: Schema, current: Schema) -> list[Change]:
    """The objects that are not equivalent, in the order of their creation."""
    labels = [*desired, *(label for label in current if label not in desired)]
    pairs = [(label, desired.get(label), current.get(label)) for label in labels]
    return [Change(*pair) for pair in pairs if not equivalent(*pair[1:])]


def filter_ignored(changes: list[Change], ignored: tuple[str, ...]) -> list[Change]:
    """The changes of which neither label nor title matches a glob of `ignored`."""
    return [
        each
        for each in changes
        if not any(fnmatch(name, glob) for glob in ignored for name in (each.label, each.title))
    ]


def equivalent(one: SchemaObject | None, other: SchemaObject | None) -> bool:
    """Whether both are the same but for their formatting, or both are missing."""
    if one is None or other is None:
        return one is other
    return one.create_sql == other.create_sql or one.normalized_sql == other.normalized_sql


def describes_another(obj: SchemaObject) -> bool:
    """Whether it is a comment on another object, its owner or the privileges on it."""
    return obj.kind in ("COMMENT", "OWNER") or obj.kind.endswith("ACL")
