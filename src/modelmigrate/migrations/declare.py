"""Files for the objects that only migrations create: what was adopted, baselined, written by hand."""

import re
from pathlib import Path

from modelmigrate import project
from modelmigrate.atlas.directory import read_migrations
from modelmigrate.postgres.execute import execute_in_any_order
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.declared import DECLARED_KINDS, is_declared, read_declared
from modelmigrate.schema.diff import Schema, SchemaObject
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import replay_migrations
from modelmigrate.terminal import progress


def declare_objects() -> str:
    """Write a .sql file for each function, procedure, trigger, view and extension that the
    migrations create and no file declares.

    Raises:
        MigrateError: a file cannot be read, or the migrations do not run.
    """
    declared = read_declared()
    with replay_migrations(read_migrations()) as url:
        schema = read_schema(url)
    progress("looking for objects that no file declares")
    others = [obj.create_sql for obj in schema.values() if not is_declared(obj)]
    files = ["\n".join(each.statements) for each in declared]
    with scratch_database() as url:
        execute_in_any_order(url, [*others, *files])  # what needs something undeclared may fail
        known = read_schema(url)
    missing = [
        obj for label, obj in schema.items() if obj.kind in DECLARED_KINDS and label not in known
    ]
    written = [write_declared(obj, schema) for obj in missing]
    return "\n".join(written) or "No changes: every object of the migrations is declared."


def write_declared(obj: SchemaObject, schema: Schema) -> str:
    """Write the file of an object, with its indexes and comments; what was written."""
    file = unused_path(project.sql_dir() / DECLARED_KINDS[obj.kind], obj.name)
    parts = [e.create_sql for e in schema.values() if e is not obj and belongs_to(e, obj)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n\n".join([obj.create_sql, *parts]) + "\n", encoding="utf-8", newline="\n")
    return f"written: {project.relative(file)}"


def belongs_to(part: SchemaObject, whole: SchemaObject) -> bool:
    """Whether an index or a comment belongs into the file of the other object."""
    return part.kind in ("INDEX", "COMMENT") and whole.label in part.belongs_to


def unused_path(folder: Path, name: str) -> Path:
    """A file name after the object's: a number tells overloaded functions apart."""
    plain = name.partition("(")[0].removeprefix("public.").lower()
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "object"
    number = 1
    while (file := folder / f"{stem}{'' if number == 1 else f'_{number}'}.sql").exists():
        number += 1
    return file
