"""What only migrations create: it stands beside what the models and the .sql files make."""

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace

from modelmigrate import project
from modelmigrate.postgres.connection import connect
from modelmigrate.schema.declared import is_declared
from modelmigrate.schema.diff import Schema, SchemaObject
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.namespaces import PUBLIC
from modelmigrate.schema.table import split_table
from modelmigrate.sql.names import label_name, label_part, split_name, unquote
from modelmigrate.sql.patterns import CREATED
from modelmigrate.sql.statements import strip_comments

# Whether models manage an object of their schemas, by its kind (FK and CHECK CONSTRAINT count as
# CONSTRAINT); kinds that are not named here are never theirs. `partitions` are the labels of tables
# that are attached to another one.
Manages = Callable[[SchemaObject, set[str]], bool]
MANAGED_BY_MODELS: dict[str, Manages] = {
    "TABLE": lambda obj, partitions: obj.label not in partitions,
    "INDEX": lambda obj, partitions: partitions.isdisjoint(obj.belongs_to),
    "CONSTRAINT": lambda obj, partitions: partitions.isdisjoint(obj.belongs_to),
    "DEFAULT": lambda *_: True,
    "TYPE": lambda obj, _: " AS ENUM " in obj.create_sql,
    "SEQUENCE": lambda obj, _: bool(obj.belongs_to),
    "SEQUENCE OWNED BY": lambda *_: True,
    "COMMENT": lambda obj, _: obj.create_sql.startswith(("COMMENT ON TABLE", "COMMENT ON COLUMN")),
}
# Kinds that models may make, and migrations by hand as well: of what is gone from the models, nobody
# can tell whose it was.
OF_EITHER = {"SEQUENCE"}
IN_USE = "SELECT refclassid::bigint, refobjid::bigint FROM pg_depend WHERE deptype = 'n'"


def objects_only_in_migrations(schema: Schema, named: set[str], made: set[str]) -> Schema:
    """The objects that neither models nor .sql files manage: rules, partitions, privileges and so
    on. The models may make some of them all the same: see `not_made`. `named` are the schemas that
    models have, and `made` those that they had when a migration was created."""
    partitions = {f"TABLE {obj.name}" for obj in schema.values() if obj.kind == "TABLE ATTACH"}
    others = {
        label: obj
        for label, obj in schema.items()
        if not is_declared(obj)
        and not (obj.schema in named | made and is_managed_by_models(obj, partitions))
        and not (obj.kind == "SCHEMA" and unquote(obj.quoted_name) in named)
    }
    return partitions_of_tables(others)


def partitions_of_tables(others: Schema) -> Schema:
    """The same objects, but with partitions that take their columns, keys and indexes from their table:
    where models change it, they change with it."""
    indexes = {name_without_schema(obj) for obj in others.values() if obj.kind == "INDEX ATTACH"}
    changed: Schema = {}
    for label, obj in others.items():
        attach = others.get(f"TABLE ATTACH {obj.name}") if obj.kind == "TABLE" else None
        if attach:
            table, _, bounds = attach.create_sql.partition(f" ATTACH PARTITION {obj.quoted_name} ")
            table = table.removeprefix("ALTER TABLE ONLY ")
            rest = split_table(obj.create_sql)[2].removeprefix(")")
            of_table = f"CREATE TABLE {obj.quoted_name} PARTITION OF {table} {bounds.rstrip(';')}"
            changed[label] = replace(obj, create_sql=of_table + rest)
        elif not obj.kind.endswith("ATTACH") and not comes_with_its_table(obj, indexes):
            changed[label] = obj
    return changed


def comes_with_its_table(obj: SchemaObject, indexes: set[str]) -> bool:
    """Whether it is an index or a key that a partition has from its table; `indexes` are the names of
    these."""
    name = name_without_schema(obj)
    return obj.kind in ("INDEX", "CONSTRAINT") and (
        name in indexes or any(name.endswith(f" {index}") for index in indexes)
    )


def name_without_schema(obj: SchemaObject) -> str:
    """The name as labels have it, without its schema."""
    return obj.name.removeprefix(f"{label_part(obj.schema)}.")


def is_managed_by_models(obj: SchemaObject, partitions: set[str]) -> bool:
    """Whether models declare objects like this one: see `MANAGED_BY_MODELS`."""
    manages = MANAGED_BY_MODELS.get("CONSTRAINT" if "CONSTRAINT" in obj.kind else obj.kind)
    return bool(manages and manages(obj, partitions))


def not_made(others: Schema, made: Schema, waiting: Iterable[str] = ()) -> Schema:
    """Those of the others that the models and the .sql files have not made, and will not: `waiting` are
    their statements that could not be run yet, since they may need some of the others."""
    names = created_names(waiting)
    return {
        label: obj
        for label, obj in others.items()
        if label not in made and (obj.kind, obj.name) not in names
    }


def created_names(statements: Iterable[str]) -> set[tuple[str, str]]:
    """Kind and name, as in a label, of what statements create; without a schema it is in public."""
    found = (CREATED.match(strip_comments(each)) for each in statements)
    names = set()
    for match in filter(None, found):
        kind = match["kind"].upper()
        schema, name = map(folded, split_name(match["name"]))
        names.add((kind, name if kind == "SCHEMA" else label_name(f"{schema or PUBLIC}.{name}")))
    return names


def folded(word: str) -> str:
    """A part of a name in the case in which PostgreSQL keeps it: in lower case, unless it has quotes."""
    return word if word.startswith('"') else word.lower()


def notes_on_kept(others: Schema, models: Iterable[str], desired_url: str) -> list[str]:
    """A note on each sequence that no model declares and no column uses: it stays, also where
    a model declared it once. `others` are in the scratch database `desired_url`, too."""
    kept = not_made({k: obj for k, obj in others.items() if obj.kind in OF_EITHER}, {}, models)
    if not kept:
        return []
    desired = read_schema(desired_url)
    with closing(connect(desired_url)) as connection:
        in_use = set(connection.execute(IN_USE).fetchall())
    return [
        f"note: keeps {label}, which no model declares and no column uses. To drop it, write"
        f" migrations/<YYYYMMDDHHMMSS>_<name>.sql: {obj.drop_sql.replace(' IF EXISTS', '')} Then:"
        f" {project.command('hash')}"
        for label, obj in kept.items()
        if label in desired and desired[label].catalog not in in_use
    ]
