"""Many tables in groups that are small enough for a picture each."""

from collections import Counter
from typing import NamedTuple

from modelmigrate.inspect.model import Column, Reference, Table

MANY_TABLES = 40  # beyond which a picture is no longer read, but searched
GROUP_SIZE = 20


class Group(NamedTuple):
    """Tables that refer to each other more than to others."""

    title: str
    tables: list[Table]

    @property
    def drawn(self) -> list[Table]:
        """Its tables, and those of other groups that they refer to, by their names alone."""
        own = {table.name for table in self.tables}
        others = {r.table for table in self.tables for r in table.references} - own
        return [*self.tables, *(Table(name, external=True) for name in sorted(others))]


def group_tables(tables: list[Table]) -> list[Group]:
    """The tables in groups, the largest first. What refers to a table that few others refer to is closest
    to it; what is close to nothing comes last, by name."""
    group_of = {table.name: [table] for table in tables}
    pairs = {(table.name, r.table) for table in tables for r in table.references}
    referred = Counter(target for _, target in pairs)
    schemas = {table.name: table.name.rpartition(".")[0] for table in tables}
    for source, target in sorted(
        pairs, key=lambda p: (schemas[p[0]] != schemas[p[1]], referred[p[1]], p)
    ):
        own, other = group_of[source], group_of[target]
        if own is not other and len(own) + len(other) <= GROUP_SIZE:
            own += other
            group_of.update({each.name: own for each in other})
    groups = {id(group): group for group in group_of.values()}.values()
    named = [_named(group, referred) for group in groups if len(group) > 1]
    alone = sorted(group[0] for group in groups if len(group) == 1)
    rest = [alone[start : start + GROUP_SIZE] for start in range(0, len(alone), GROUP_SIZE)]
    named.sort(key=lambda group: (-len(group.tables), group.title))
    return [*named, *(Group(f"{each[0].name} to {each[-1].name}", each) for each in rest)]


def _named(group: list[Table], referred: Counter[str]) -> Group:
    most = min(group, key=lambda table: (-referred[table.name], table.name))
    return Group(f"{most.name} and {len(group) - 1} more", sorted(group))


def as_tables(groups: list[Group]) -> list[Table]:
    """The groups as if each were a table, whose columns are its tables: for a picture of them all."""
    group_of = {table.name: group.title for group in groups for table in group.tables}
    drawn = []
    for group in groups:
        columns = tuple(Column(table.name, "", nullable=False, marks=()) for table in group.tables)
        first = {
            group_of[reference.table]: Reference(
                (table.name,), group_of[reference.table], (), False, False
            )
            for table in reversed(group.tables)
            for reference in table.references
            if group_of[reference.table] != group.title
        }
        drawn.append(Table(group.title, columns, tuple(sorted(first.values()))))
    return drawn
