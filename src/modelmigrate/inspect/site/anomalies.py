"""What looks like a mistake in a schema, though PostgreSQL accepts it."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from modelmigrate.inspect.read import shown_name
from modelmigrate.inspect.site.contents import Contents
from modelmigrate.lint.catalog import Relation
from modelmigrate.sql.names import unquote


class About(NamedTuple):
    """What a kind of anomaly is called, for one and for all of them, and why it matters."""

    one: str
    all: str
    why: str


TITLES = {
    "no-primary-key": About(
        "no primary key",
        "Tables without a primary key",
        "Rows cannot be told apart, and logical replication cannot update them.",
    ),
    "unindexed-foreign-key": About(
        "foreign key without an index",
        "Foreign keys without an index",
        "To delete a row that is referred to, PostgreSQL reads the whole table.",
    ),
    "duplicate-index": About(
        "duplicate index",
        "Duplicate indexes",
        "Every write keeps all of them up to date, and one would do.",
    ),
    "unused-type": About(
        "unused type", "Types that nothing uses", "They may be left over from a change."
    ),
    "no-comment": About(
        "no comment",
        "Tables without a comment",
        "Say what a row is: comment=... in the model, then create a migration.",
    ),
}


class Anomaly(NamedTuple):
    """One of them."""

    kind: str
    table: Relation | None
    what: str


def find_anomalies(contents: Contents) -> list[Anomaly]:
    """All of them, by kind and table."""
    found = [*_of_tables(contents), *_of_indexes(contents), *_of_types(contents)]
    order = list(TITLES)
    return sorted(
        found, key=lambda a: (order.index(a.kind), a.table.name if a.table else "", a.what)
    )


def _of_tables(contents: Contents) -> Iterator[Anomaly]:
    indexed: defaultdict[int, list[tuple[int, ...]]] = defaultdict(list)
    for index in contents.objects.catalog.indexes.values():
        if " WHERE " not in index.rule:
            indexed[index.table].append(index.columns)
    for table in contents.objects.base_tables:
        constraints = contents.objects.constraints.get(table.oid, [])
        if not any(each.kind == "p" for each in constraints):
            yield Anomaly("no-primary-key", table, "")
        for key in constraints:
            # In any order: the index serves a search for all of its first columns.
            size = len(key.columns)
            firsts = ({*columns[:size]} for columns in indexed[table.oid])
            if key.kind == "f" and {*key.columns} not in firsts:
                yield Anomaly("unindexed-foreign-key", table, unquote(key.name))
        if not contents.comment("pg_class", table.oid):
            yield Anomaly("no-comment", table, "")


def _of_indexes(contents: Contents) -> Iterator[Anomaly]:
    same: defaultdict[str, list[str]] = defaultdict(list)
    tables = {each.oid: each for each in contents.objects.base_tables}
    by_rule = {}
    for index in sorted(contents.objects.catalog.indexes.values(), key=lambda index: index.name):
        if index.table in tables:
            same[index.rule].append(shown_name(index.name))
            by_rule[index.rule] = tables[index.table]
    for rule, names in same.items():
        if len(names) > 1:
            yield Anomaly("duplicate-index", by_rule[rule], ", ".join(names))


def _of_types(contents: Contents) -> Iterator[Anomaly]:
    for oid, each in contents.objects.catalog.types.items():
        if oid in contents.unused:
            yield Anomaly("unused-type", None, shown_name(each.name))
