"""What is between its two halves: told by a line at the top of the migration that began it, such as
`-- modelmigrate:expand rename-column users.nick:nickname`, until one says the same of `contract`."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from modelmigrate.atlas.directory import Migration
from modelmigrate.errors import MigrateError
from modelmigrate.schema.namespaces import PUBLIC
from modelmigrate.sql.names import quote, unquote

PART = r'(?:"(?:[^"\n]|"")+"|[^\s.:,"]+)'
NAMES = re.compile(rf"(?P<name>{PART}(?:\.{PART}){{0,2}})(?::(?P<new>{PART}))?")
DIRECTIVE = re.compile(r"-- ?modelmigrate:(?P<half>\S+) +(?P<kind>\S+) +(?P<names>.+?)\s*")
PHASE_CONTRACT = "-- gate:phase contract"
# Each kind, and of how many parts its name is, but for the schema.
PARTS_OF = {
    "drop-column": 2,
    "drop-table": 1,
    "rename-column": 2,
    "rename-table": 1,
    "require-column": 2,
    "retype-column": 2,
}


class Expansion(NamedTuple):
    """A change that is made in two halves; names without quotes."""

    kind: str
    schema: str
    table: str
    column: str = ""
    new: str = ""
    """The new name of the table or the column, where it gets one."""

    @property
    def label(self) -> str:
        """As people type it: `users.nick:nickname`."""
        schema = [] if self.schema == PUBLIC else [self.schema]
        names = ".".join(map(spelled, filter(None, [*schema, self.table, self.column])))
        return f"{names}:{spelled(self.new)}" if self.new else names

    @property
    def sql_table(self) -> str:
        """The table, or the one that it was, as SQL names it."""
        return self.in_schema(self.table)

    def in_schema(self, name: str) -> str:
        """What is in the schema of the table, as SQL names it."""
        return quote(name) if self.schema == PUBLIC else f"{quote(self.schema)}.{quote(name)}"


def spelled(name: str) -> str:
    """A name in quotes, where it could end too early without."""
    return name if re.fullmatch(r'[^\s.:,"]+', name) else quote(name)


def directives(expand: Iterable[Expansion], contract: Iterable[Expansion]) -> list[str]:
    """The lines at the top of a migration with these halves."""
    lines = [f"-- modelmigrate:expand {each.kind} {each.label}" for each in expand]
    closed = [f"-- modelmigrate:contract {each.kind} {each.label}" for each in contract]
    return [*([PHASE_CONTRACT] if closed else []), *lines, *closed]


def open_expansions(migrations: Iterable[Migration]) -> list[Expansion]:
    """What these migrations have begun and not ended, in their order.

    Raises:
        MigrateError: a line is not understood, ends what none has begun, or begins it twice.
    """
    begun: dict[Expansion, None] = {}
    for migration in migrations:
        for half, expansion in halves_of(migration.name, migration.sql):
            if (expansion in begun) == (half == "expand"):
                what = "begins twice" if half == "expand" else "ends, and nothing has begun it"
                raise _not_understood(migration.name, f"{expansion.label} {what}")
            if half == "expand":
                begun[expansion] = None
            else:
                del begun[expansion]
    return [*begun]


def halves_of(name: str, text: str) -> list[tuple[str, Expansion]]:
    """`expand` or `contract`, and of what: the directives at the top of a migration of this name.

    Raises:
        MigrateError: one is not understood.
    """
    found = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        if "modelmigrate:" not in line:
            continue
        directive = DIRECTIVE.fullmatch(line)
        expansion = directive and parse(directive["kind"], directive["names"])
        if not directive or not expansion or directive["half"] not in ("expand", "contract"):
            raise _not_understood(name, line)
        found.append((directive["half"], expansion))
    return found


def parse(kind: str, names: str) -> Expansion | None:
    """An expansion as its directive names it; None where it is none."""
    found = NAMES.fullmatch(names)
    if not found or kind not in PARTS_OF:
        return None
    parts, new = parts_of_name(found["name"]), parts_of_name(found["new"] or "")
    schema = [PUBLIC] if len(parts) == PARTS_OF[kind] else []
    if len(schema + parts) != PARTS_OF[kind] + 1 or len(new) != kind.startswith("rename"):
        return None
    place, table, *column = [*schema, *parts]
    return Expansion(kind, place, table, *(column or [""]), *new)


def parts_of_name(name: str) -> list[str]:
    """The parts of a name as people write it, without their quotes."""
    return [unquote(each) for each in re.findall(PART, name)]


def _not_understood(name: str, what: str) -> MigrateError:
    return MigrateError(
        f"migrations/{name}: this is not understood: {what}\nNothing was changed. Lines with"
        " `modelmigrate:` are written by `create`; restore the one that was there, or delete it."
    )
