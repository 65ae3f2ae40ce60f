"""Files for the objects that only migrations create: what was adopted, baselined, written by hand."""

import re
from collections.abc import Iterator
from pathlib import Path

from modelmigrate import project
from modelmigrate.atlas.directory import read_migrations
from modelmigrate.models.ddl import read_models_ddl
from modelmigrate.postgres.execute import execute_in_any_order
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.beside import created_names
from modelmigrate.schema.declared import DECLARED_KINDS, is_declared, read_declared
from modelmigrate.schema.diff import Schema, SchemaObject
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import replay_migrations
from modelmigrate.terminal import progress

# What tables may need, and so whatever is on these tables.
NEEDED_BY_TABLES = {"DOMAIN", "EXTENSION"}
# Part of a table, as `pg_dump` has it.
FORCED = re.compile(r"^ALTER TABLE ONLY .* FORCE ROW LEVEL SECURITY;$", re.MULTILINE)


def declare_objects() -> str:
    """Write a .sql file for each function, procedure, trigger, view, policy, domain and extension that
    the migrations create and no file declares.

    Raises:
        MigrateError: a file cannot be read, or the migrations do not run; or, where they create
            domains, the models cannot be loaded.
    """
    declared = read_declared()
    with replay_migrations(read_migrations()) as url:
        schema = read_schema(url)
    progress("looking for objects that no file declares")
    known = known_labels(schema, ["\n".join(each.statements) for each in declared])
    missing = [
        obj for label, obj in schema.items() if obj.kind in DECLARED_KINDS and label not in known
    ]
    if any(obj.kind == "DOMAIN" for obj in missing):
        made = created_names(read_models_ddl().split("\n\n"))
        missing = [obj for obj in missing if (obj.kind, obj.name) not in made]
    # Row security is enabled in the files of the policies.
    tables = {obj.belongs_to for obj in missing if obj.kind == "POLICY"}
    written = [
        write_declared(obj, schema)
        for obj in missing
        if obj.kind != "ROW SECURITY" or obj.belongs_to not in tables
    ]
    return "\n".join(written) or "No changes: every object of the migrations is declared."


def known_labels(schema: Schema, files: list[str]) -> set[str]:
    """The labels of what the files declare, if they have all that they need."""
    others = [obj.create_sql for obj in schema.values() if not is_declared(obj)]
    with scratch_database() as url:
        failed = execute_in_any_order(url, [*others, *files])
        known = read_schema(url).keys()
        needed = {
            label: obj.create_sql
            for label, obj in schema.items()
            if obj.kind in NEEDED_BY_TABLES and label not in known
        }
        if failed and needed:
            execute_in_any_order(url, [*needed.values(), *failed])
            known = read_schema(url).keys()
    return known - needed.keys()


def write_declared(obj: SchemaObject, schema: Schema) -> str:
    """Write the file of an object, with what belongs to it; what was written."""
    file = unused_path(project.sql_dir() / DECLARED_KINDS[obj.kind], obj.name)
    text = "\n\n".join([obj.create_sql, *parts_of(obj, schema)])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n", encoding="utf-8", newline="\n")
    return f"written: {project.relative(file)}"


def parts_of(whole: SchemaObject, schema: Schema) -> Iterator[str]:
    """The statements that belong into the file of an object: its indexes, comments and checks; with a
    policy, those that make its table ask for it."""
    for part in schema.values():
        own = part.kind in ("INDEX", "COMMENT", "CHECK CONSTRAINT")
        of_table = part.kind == "ROW SECURITY" and whole.kind == "POLICY"
        if (own and whole.label in part.belongs_to) or (
            of_table and part.belongs_to == whole.belongs_to
        ):
            yield part.create_sql
    for table in whole.belongs_to if whole.kind in ("POLICY", "ROW SECURITY") else ():
        yield from FORCED.findall(schema[table].create_sql)


def unused_path(folder: Path, name: str) -> Path:
    """A file name after the object's: a number tells overloaded functions apart."""
    plain = name.partition("(")[0].removeprefix("public.").lower()
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "object"
    number = 1
    while (file := folder / f"{stem}{'' if number == 1 else f'_{number}'}.sql").exists():
        number += 1
    return file
