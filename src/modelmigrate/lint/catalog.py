"""What the system catalogs hold at one moment, as far as rules look at it.

Everything is keyed by what stays the same when it is renamed: oids, and the numbers of columns.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import psycopg

from modelmigrate.lint.queries import QUERIES


class Relation(NamedTuple):
    """A table, a view, an index or a sequence."""

    oid: int
    schema: str
    name: str
    """With its schema, quoted."""
    kind: str
    """As in `pg_class.relkind`."""
    file: int
    """Of its rows; another one once it was rewritten."""
    parent: int
    """The table that it is a partition of; 0 for none."""
    row_security: bool
    forced: bool
    """Whether row security holds for the owner, too."""
    invoker: bool
    """Whether a view asks for the rights of who reads it."""
    barrier: bool
    """Whether a view keeps functions of a query from rows that it hides."""
    checked: bool
    """Whether a view refuses rows that it would not show."""
    logged: bool
    """Whether its rows outlast a crash."""
    inherits: list[int]
    """The tables whose queries show its rows, too, but for `parent`."""

    @property
    def is_table(self) -> bool:
        """Whether it has rows of its own, or partitions that have."""
        return self.kind in "rp"


class Column(NamedTuple):
    """A column of a table or a view; `table` and `number` are its key."""

    table: int
    number: int
    name: str
    type: str
    type_oid: int
    not_null: bool
    """For all rows: not where NOT NULL is NOT VALID."""
    default: str
    generated: str
    identity: str
    base: str
    """Its type without a size; of a domain, the type that it is made of."""

    @property
    def fills_itself(self) -> bool:
        """Whether an INSERT that leaves it out writes something."""
        return bool(self.default or self.generated or self.identity)

    @property
    def is_required(self) -> bool:
        """Whether an INSERT that leaves it out fails."""
        return self.not_null and not self.fills_itself


class Constraint(NamedTuple):
    """A constraint of a table."""

    oid: int
    table: int
    name: str
    kind: str
    """As in `pg_constraint.contype`."""
    valid: bool
    definition: str
    index_oid: int
    references: int
    columns: tuple[int, ...]
    """Their numbers."""
    target_columns: tuple[int, ...]
    """The numbers of those that a foreign key refers to."""


class Index(NamedTuple):
    """An index."""

    oid: int
    table: int
    name: str
    """With its schema, quoted."""
    unique: bool
    definition: str
    columns: tuple[int, ...]
    """Their numbers; 0 for an expression."""

    @property
    def rule(self) -> str:
        """What it says, without its name."""
        return self.definition.partition(" ON ")[2]


class Named(NamedTuple):
    """A type, a schema, an extension, or a value of an enum."""

    oid: int
    name: str
    parent: int
    """The type of a value; else 0."""


class Routine(NamedTuple):
    """A function, a procedure or an aggregate."""

    oid: int
    name: str
    """Its signature."""
    result: str
    source: str
    body: str
    """Its source as a string, where it has one: not a body in BEGIN ATOMIC, whose names are known."""
    definer: bool
    search_path: bool
    """Whether it sets one for itself."""
    inputs: list[int]
    """The types of what it is called with."""
    optional: int
    """How many of these, from the last on, have a default."""


class OnTable(NamedTuple):
    """A trigger, a rule or a policy."""

    oid: int
    table: int
    """0 for an event trigger."""
    name: str
    definition: str
    enabled: str
    """As in `pg_trigger.tgenabled`; empty for a policy."""
    routine: int
    """What a trigger calls; 0 for a policy and a rule."""
    open: bool
    """Whether it is a policy that gives access, to all rows."""
    roles: list[str]
    """Of a policy: whom it is for, with `-` for everybody."""


class Sequence(NamedTuple):
    """Where a sequence stands, and where it ends."""

    oid: int
    last: int
    called: bool
    """Whether `last` was given already."""
    increment: int
    maximum: int

    @property
    def next(self) -> int:
        """What it gives next."""
        return self.last + self.increment * self.called


class Publication(NamedTuple):
    """What subscribers get."""

    oid: int
    name: str
    tables: list[str]
    limits: list[str]
    """Those of whose columns or rows some are left out: which."""
    operations: list[str]
    stuck: list[int]
    """The tables whose UPDATE and DELETE fail, for want of a replica identity."""


class Reads(NamedTuple):
    """That a view reads a table."""

    view: int
    table: int


class Privilege(NamedTuple):
    """What somebody was granted; of the owner, that it owns it."""

    object: str
    """What it is on, such as `TABLE public.users`."""
    grantee: str
    """A role, or `PUBLIC`."""
    privilege: str
    """`OWNER` for that of the owner."""
    by_default: bool
    """Whether PostgreSQL gives it by itself."""


class Uses(NamedTuple):
    """What was computed by a function and is stored: the entry of an index, a generated column, the rows
    of a materialized view, a checked row."""

    routine: int
    kind: str
    name: str


class Catalog(NamedTuple):
    """All of it."""

    relations: dict[int, Relation]
    columns: dict[tuple[int, int], Column]
    constraints: dict[int, Constraint]
    indexes: dict[int, Index]
    routines: dict[int, Routine]
    triggers: dict[int, OnTable]
    policies: dict[int, OnTable]
    types: dict[int, Named]
    values: dict[int, Named]
    schemas: dict[int, Named]
    extensions: dict[int, Named]
    sequences: dict[int, Sequence]
    publications: dict[int, Publication]
    uses: frozenset[Uses]
    reads: frozenset[Reads]
    privileges: frozenset[Privilege]

    def name(self, table: int) -> str:
        """The name of a relation; empty where it is not there."""
        return self.relations[table].name if table in self.relations else ""


KINDS: dict[str, Any] = {
    "relations": Relation,
    "columns": Column,
    "constraints": Constraint,
    "indexes": Index,
    "routines": Routine,
    "triggers": OnTable,
    "policies": OnTable,
    "types": Named,
    "values": Named,
    "schemas": Named,
    "extensions": Named,
    "sequences": Sequence,
    "publications": Publication,
    "uses": Uses,
    "reads": Reads,
    "privileges": Privilege,
}


def read_catalog(connection: psycopg.Connection[Any], *names: str) -> dict[str, Any]:
    """The parts of these names, or all, as this session sees them; its search_path must be empty."""
    asked = set(names or KINDS)
    if not connection.execute("SELECT FROM pg_publication LIMIT 1").rowcount:
        asked -= {"publications"}  # whose query takes as long to be planned as all others of a step
    found: dict[str, list[Any]] = {
        name: list(map(KINDS[name]._make, connection.execute(QUERIES[name].encode())))
        if name in asked
        else []
        for name in names or KINDS
    }
    return {
        name: frozenset(rows) if name in ("uses", "reads", "privileges") else keyed(name, rows)
        for name, rows in found.items()
    }


def keyed(name: str, rows: Iterable[Any]) -> dict[Any, Any]:
    """The rows of a part by what stays the same when they are renamed."""
    return {(each.table, each.number) if name == "columns" else each.oid: each for each in rows}
