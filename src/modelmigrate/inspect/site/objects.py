"""What the catalogs hold, grouped and in order, as pages ask for it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from modelmigrate.inspect.model import Table
from modelmigrate.inspect.read import shown_name, tables_of
from modelmigrate.inspect.site.facts import RELATIONS
from modelmigrate.lint.catalog import (
    Catalog,
    Column,
    Constraint,
    Index,
    Named,
    OnTable,
    Relation,
    Routine,
)

KINDS = {"p": "partitioned table", "f": "foreign table", "m": "materialized view"}
PARTS = ("index", "trigger", "policy")


def event_kind(relation: Relation) -> str:
    """What a history calls it: a table, or a view."""
    return RELATIONS[relation.kind]


def kind_of(relation: Relation) -> str:
    """What a relation is, in PostgreSQL's words."""
    return "partition" if relation.parent else KINDS.get(relation.kind, event_kind(relation))


@dataclass(frozen=True)
class Objects:
    """The objects of a schema."""

    catalog: Catalog

    @cached_property
    def tables(self) -> list[Table]:
        """The tables as they are drawn."""
        return tables_of(self.catalog)

    @cached_property
    def connected(self) -> dict[str, list[Table]]:
        """Each table with those that it refers to and those that refer to it, by name."""
        by_name = {table.name: table for table in self.tables}
        near = {name: {name} for name in by_name}
        for table in self.tables:
            for reference in table.references:
                near[table.name].add(reference.table)
                near[reference.table].add(table.name)
        return {name: [by_name[each] for each in sorted(names)] for name, names in near.items()}

    @cached_property
    def relations(self) -> list[Relation]:
        """Tables, views and materialized views, by name."""
        found = [
            r for r in self.catalog.relations.values() if RELATIONS.get(r.kind) in ("table", "view")
        ]
        return sorted(found, key=lambda each: (shown_name(each.name), each.name))

    @cached_property
    def base_tables(self) -> list[Relation]:
        """What has rows of its own, without partitions."""
        return [each for each in self.relations if each.is_table and not each.parent]

    @cached_property
    def columns(self) -> dict[int, list[Column]]:
        """The columns of each relation, in their order."""
        found: defaultdict[int, list[Column]] = defaultdict(list)
        for table, number in sorted(self.catalog.columns):
            found[table].append(self.catalog.columns[table, number])
        return dict(found)

    @cached_property
    def constraints(self) -> dict[int, list[Constraint]]:
        """The constraints of each table: keys first, then by name."""
        found: defaultdict[int, list[Constraint]] = defaultdict(list)
        for each in sorted(
            self.catalog.constraints.values(), key=lambda c: ("puxfc".index(c.kind), c.name)
        ):
            found[each.table].append(each)
        return dict(found)

    @cached_property
    def _parts(self) -> dict[tuple[int, str], list[Index | OnTable]]:
        found: defaultdict[tuple[int, str], list[Index | OnTable]] = defaultdict(list)
        built = {each.index_oid for each in self.catalog.constraints.values() if each.kind in "pux"}
        kinds: dict[str, Iterable[Index | OnTable]] = {
            "index": (each for each in self.catalog.indexes.values() if each.oid not in built),
            "trigger": self.catalog.triggers.values(),
            "policy": self.catalog.policies.values(),
        }
        for kind, parts in kinds.items():
            for part in sorted(parts, key=lambda each: each.name):
                found[part.table, kind].append(part)
        return dict(found)

    def parts(self, table: int, kind: str) -> list[Index | OnTable]:
        """Of a table: an `index` that no constraint has, a `trigger` or a `policy`."""
        return self._parts.get((table, kind), [])

    @cached_property
    def routines(self) -> list[Routine]:
        """Functions and procedures, by name."""
        return sorted(self.catalog.routines.values(), key=lambda each: each.name)

    @cached_property
    def types(self) -> list[Named]:
        """Enums, domains and composite types, by name."""
        return sorted(self.catalog.types.values(), key=lambda each: each.name)

    def read_by(self, view: int) -> list[Relation]:
        """The tables and views that a view reads."""
        return self._named(each.table for each in self.catalog.reads if each.view == view)

    def readers_of(self, table: int) -> list[Relation]:
        """The views that read a table or a view."""
        return self._named(each.view for each in self.catalog.reads if each.table == table)

    def _named(self, oids: Iterable[int]) -> list[Relation]:
        found = [self.catalog.relations[oid] for oid in oids if oid in self.catalog.relations]
        return sorted(found, key=lambda each: each.name)

    def partitions_of(self, table: int) -> list[Relation]:
        """The partitions of a table."""
        return [each for each in self.relations if each.parent == table]

    def marks_of(self, table: int, column: int) -> tuple[str, ...]:
        """The keys that a column belongs to, as pictures have them."""
        return self._marks.get((table, column), ())

    @cached_property
    def _marks(self) -> dict[tuple[int, int], tuple[str, ...]]:
        drawn = {table.name: table for table in self.tables}
        return {
            (table.oid, column.number): shown.marks
            for table in self.base_tables
            if shown_name(table.name) in drawn
            for column, shown in zip(
                self.columns.get(table.oid, ()), drawn[shown_name(table.name)].columns, strict=True
            )
        }
