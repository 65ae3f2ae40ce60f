"""Files for the objects that only migrations make: what was adopted, baselined, written by hand."""

import re
from pathlib import Path

from modelmigrate import project
from modelmigrate.atlas.directory import migrations
from modelmigrate.postgres.execute import fill
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.project import place
from modelmigrate.schema import declared as declared_
from modelmigrate.schema import dump
from modelmigrate.schema.declared import KINDS, is_declared
from modelmigrate.schema.diff import Entry, Schema
from modelmigrate.schema.states import replayed
from modelmigrate.terminal import at


def declare() -> str:
    """Write a .sql file for each function, procedure, trigger, view and extension that the
    migrations make and no file declares.

    Raises:
        ToolError: the files there are cannot be read, or the migrations do not run.
    """
    declared = declared_.read()
    with replayed(migrations()) as url:
        schema = dump.read(url)
    at("looking for what no file declares")
    others = [e.create for e in schema.values() if not is_declared(e, schema)]
    files = ["\n".join(each.statements) for each in declared]
    with scratch_database() as url:
        fill(url, [*others, *files])  # what needs something undeclared may fail
        known = dump.read(url)
    missing = [e for label, e in schema.items() if e.kind in KINDS and label not in known]
    written = [write(entry, schema) for entry in missing]
    return "\n".join(written) or "every object of the migrations is declared: nothing to do"


def write(entry: Entry, schema: Schema) -> str:
    """Write the file of an object, with its indexes and comments; what was written."""
    file = free(project.sql_dir() / KINDS[entry.kind], entry.name)
    own = [e.create for e in schema.values() if e is not entry and belongs(e, entry)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n\n".join([entry.create, *own]) + "\n", encoding="utf-8", newline="\n")
    return f"written: {place(file)}"


def belongs(part: Entry, whole: Entry) -> bool:
    """Whether an index or a comment has its place in the file of the other entry."""
    name = whole.drop.removeprefix(f"DROP {whole.kind} IF EXISTS ").removesuffix(";")
    if part.kind == "INDEX":
        return whole.kind == "MATERIALIZED VIEW" and f" ON {name} " in part.create
    comments = (f"COMMENT ON {whole.kind} {name} IS ", f"COMMENT ON COLUMN {name}.")
    return part.kind == "COMMENT" and part.create.startswith(comments)


def free(folder: Path, name: str) -> Path:
    """A file name after the object's: a number tells overloaded functions apart."""
    bare = name.partition("(")[0].removeprefix("public.").lower()
    stem = re.sub(r"[^a-z0-9]+", "_", bare).strip("_") or "object"
    number = 1
    while (file := folder / f"{stem}{'' if number == 1 else f'_{number}'}.sql").exists():
        number += 1
    return file
