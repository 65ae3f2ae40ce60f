"""All that the site tells, as its pages ask for it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from modelmigrate.atlas.directory import Migration
from modelmigrate.inspect.site.events import History, fold
from modelmigrate.inspect.site.history import Record
from modelmigrate.inspect.site.objects import Objects
from modelmigrate.inspect.site.records import read_records
from modelmigrate.lint.catalog import (
    Catalog,
    Relation,
    read_catalog,
)
from modelmigrate.models.classes import Classes, MappedClass, read_classes
from modelmigrate.postgres.connection import connect
from modelmigrate.schema.diff import Schema, SchemaObject
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import replay_migrations
from modelmigrate.sql.names import split_name, unquote

COMMENTS = """
    SELECT classoid::regclass::text, objoid, objsubid, description FROM pg_description
    WHERE objoid >= 16384"""
VALUES = """
    SELECT enumtypid, array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum GROUP BY 1"""
# Nothing in the catalogs needs them, not even as an array; what bodies of functions name is not known there.
UNUSED_TYPES = """
    SELECT t.oid FROM pg_type t LEFT JOIN pg_class c ON c.oid = typrelid
    WHERE t.oid >= 16384 AND (typtype IN ('e', 'd', 'r') OR relkind = 'c') AND NOT EXISTS (
        SELECT FROM pg_depend WHERE refclassid = 'pg_type'::regclass
            AND refobjid IN (t.oid, typarray) AND deptype = 'n')"""
Comments = dict[tuple[str, int, int], str]


@dataclass(frozen=True)
class Contents:
    """A migrated schema, its models and its migrations."""

    objects: Objects
    comments: Comments
    """By the name of a catalog, the oid of a row there and the number of a column."""
    values: dict[int, list[str]]
    """Of each enum, in their order."""
    unused: set[int]
    """The types that nothing uses."""
    schema: Schema
    classes: Classes
    migrations: list[Migration]
    records: list[Record]

    def others(self, kind: str) -> list[SchemaObject]:
        """The objects of a kind of `pg_dump`."""
        return [each for each in self.schema.values() if each.kind == kind]

    @cached_property
    def history(self) -> History:
        """What happened to what is there, by its kind, table and name."""
        versions = (each.version for each in self.migrations)
        return fold(versions, (each.events for each in self.records))

    @cached_property
    def by_oid(self) -> dict[tuple[str, int], SchemaObject]:
        """What `pg_dump` writes for a row of a catalog."""
        return {
            (each.kind, each.catalog[1]): each for each in self.schema.values() if each.catalog[1]
        }

    def classes_of(self, relation: Relation) -> list[MappedClass]:
        """The classes that are mapped to a table."""
        return self.classes.get((relation.schema, unquote(split_name(relation.name)[1])), [])

    def attributes_of(self, relation: Relation) -> dict[str, str]:
        """What columns are called in classes, where that is another name."""
        named = (each.attributes for each in self.classes_of(relation))
        return {column: attribute for each in named for column, attribute in each.items()}

    def comment(self, catalog: str, oid: int, number: int = 0) -> str:
        """The comment on an object or a column; empty where there is none."""
        return self.comments.get((catalog, oid, number), "")

    def sql(self, oid: int, *kinds: str) -> str:
        """The statement that creates an object of one of these kinds of `pg_dump`."""
        found = (self.by_oid[kind, oid] for kind in kinds if (kind, oid) in self.by_oid)
        return next((each.create_sql for each in found), "")

    def events(self, kind: str, name: str, table: str = "") -> list[tuple[str, str]]:
        """Version and verb of what happened to an object; of what came with its table, what came first
        there."""
        own = self.history.get((kind, table, name), [])
        whole = self.history.get(("table", "", table), []) if table else []
        return own if own and own[0][1] == "added" else [*whole[:1], *own]


def read_contents(migrations: list[Migration]) -> Contents:
    """What these migrations add up to.

    Raises:
        MigrateError: they cannot be applied, or the models cannot be loaded.
    """
    with ThreadPoolExecutor() as pool:
        classes = pool.submit(read_classes)  # which takes as long as the rest
        records = read_records(migrations)
        with replay_migrations(migrations) as url:
            with closing(connect(url, search_path="")) as connection:
                catalog = Catalog(**read_catalog(connection))
                rows: list[Any] = connection.execute(COMMENTS).fetchall()
                values = dict(connection.execute(VALUES).fetchall())
                unused = {oid for (oid,) in connection.execute(UNUSED_TYPES)}
            schema = read_schema(url)
    comments: Comments = {(name, oid, part): text for name, oid, part, text in rows}
    return Contents(
        Objects(catalog), comments, values, unused, schema, classes.result(), migrations, records
    )
