"""The catalogs after a statement: read again as far as it has changed them.

A row of a catalog that is changed is another version of it, in another place (`ctid`) or by another
transaction (`xmin`). What these say of all rows is read at once; what rules look at, which is printed by
functions of PostgreSQL, for the relations alone that differ.
"""

from contextlib import closing
from typing import Any

import psycopg

from modelmigrate.lint.catalog import KINDS, Catalog, keyed, read_catalog
from modelmigrate.lint.queries import QUERIES
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.snapshots import once

# What is keyed by a relation, and how its query names that.
OF_RELATIONS = {
    "relations": "c.oid",
    "columns": "c.oid",
    "constraints": "conrelid",
    "indexes": "indrelid",
    "policies": "polrelid",
}
ROWS_OF_RELATIONS = {
    "pg_class": "oid",
    "pg_attribute": "attrelid",
    "pg_attrdef": "adrelid",
    "pg_constraint": "conrelid",
    "pg_index": "indrelid",
    "pg_inherits": "inhrelid",
    "pg_policy": "polrelid",
}
# The rows that other parts come from.
SOURCES = {
    # Where relations are stored that a function has computed, or that a view reads.
    "depends": """
        SELECT ctid, xmin FROM pg_depend WHERE refobjid >= 16384
            AND (refclassid = 'pg_proc'::regclass OR classid = 'pg_rewrite'::regclass)""",
    "acls": """
        SELECT oid, concat(relacl, relowner) FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        UNION ALL SELECT attrelid, concat(attnum, attacl) FROM pg_attribute WHERE attacl IS NOT NULL
        UNION ALL SELECT oid, concat(nspacl, nspowner) FROM pg_namespace
        UNION ALL SELECT oid, concat(xmin, defaclacl) FROM pg_default_acl""",
    "procs": "SELECT ctid, xmin FROM pg_proc WHERE oid >= 16384",
    "types": "SELECT ctid, xmin FROM pg_type WHERE oid >= 16384 AND typcategory <> 'A'",
    "triggers": """
        SELECT ctid, xmin FROM pg_trigger WHERE NOT tgisinternal OR tgenabled IN ('D', 'R')""",
    "rules": "SELECT ctid, xmin FROM pg_rewrite WHERE ev_type <> '1'",
    "event triggers": "SELECT ctid, xmin FROM pg_event_trigger",
    "values": "SELECT ctid, xmin FROM pg_enum",
    "schemas": "SELECT ctid, xmin FROM pg_namespace",
    "extensions": "SELECT ctid, xmin FROM pg_extension",
}
# What is read as a whole, and where it comes from.
READ_WHOLE = {
    "routines": {"procs"},
    "triggers": {"triggers", "rules", "event triggers"},
    "types": {"types"},
    "values": {"values"},
    "uses": {"depends"},
    "reads": {"depends"},
    "privileges": {"acls", "procs", "types"},
}
# Where a sequence stands is in no catalog; and what is published is told by views of them.
ALWAYS = ("sequences", "publications")
HASH = "sum(hashtextextended({}, 0))::text"
VERSIONS = " UNION ALL ".join(
    [
        f"SELECT relation::text, {HASH.format('concat(source, place, version)')} FROM ("
        + " UNION ALL ".join(
            f"SELECT {key} AS relation, '{catalog}' AS source, ctid AS place, xmin AS version"
            f" FROM {catalog} WHERE {key} >= 16384"
            for catalog, key in ROWS_OF_RELATIONS.items()
        )
        + ") AS rows GROUP BY relation",
        *(
            f"SELECT '{source}', {HASH.format('rows::text')} FROM ({rows}) AS rows"
            for source, rows in SOURCES.items()
        ),
    ]
)
Versions = frozenset[tuple[str, str]]


def read_versions(connection: psycopg.Connection[Any]) -> Versions:
    """What tells whether rows of the catalogs have changed: for each relation, and of each other source."""
    return frozenset(connection.execute(VERSIONS.encode()).fetchall())


@once
def first_look(url: str) -> tuple[Versions, Catalog]:
    """The catalogs of a database before anything is run in a clone of it."""
    with closing(connect(url)) as connection:
        return look_at(connection)


def look_at(connection: psycopg.Connection[Any]) -> tuple[Versions, Catalog]:
    """The catalogs, and what tells whether they have changed."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path = ''")
        return read_versions(connection), Catalog(**read_catalog(connection))


def refreshed(
    connection: psycopg.Connection[Any], known: Catalog, before: Versions, now: Versions
) -> Catalog:
    """The catalogs as they are now, where they were `known` at `before`; the session's search_path must be
    empty."""
    changed = {name for name, _ in before ^ now}
    if changed & {"schemas", "extensions"}:
        return Catalog(**read_catalog(connection))
    relations = {int(each) for each in changed - SOURCES.keys()}
    whole = [part for part, sources in READ_WHOLE.items() if changed & sources]
    parts = read_catalog(connection, *ALWAYS, *whole)
    if relations:
        parts |= {kind: of_relations(connection, known, kind, relations) for kind in OF_RELATIONS}
    catalog = known._replace(**parts)
    # Definitions have the names of others.
    return Catalog(**read_catalog(connection)) if is_renamed(known, catalog) else catalog


def of_relations(
    connection: psycopg.Connection[Any], known: Catalog, kind: str, relations: set[int]
) -> dict[Any, Any]:
    """The known part of the catalogs, with that of these relations as it is now."""
    numbers = ",".join(map(str, relations))
    query = f"{QUERIES[kind]} AND {OF_RELATIONS[kind]} = ANY ('{{{numbers}}}')"
    rows = list(map(KINDS[kind]._make, connection.execute(query.encode())))
    all_known: dict[Any, Any] = getattr(known, kind)
    place = 0 if kind in ("relations", "columns") else 1
    here = {key: each for key, each in all_known.items() if each[place] in relations}
    found = keyed(kind, rows)
    if found == here:
        return all_known  # the very same: see Step.gone
    return {key: each for key, each in all_known.items() if key not in here} | found


def is_renamed(known: Catalog, now: Catalog) -> bool:
    """Whether anything has another name."""
    parts = ("relations", "columns", "routines", "types")
    return any(
        key in after and after[key].name != each.name
        for before, after in ((getattr(known, part), getattr(now, part)) for part in parts)
        if before is not after
        for key, each in before.items()
    )
