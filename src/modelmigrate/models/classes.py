"""The classes of the models, by the tables that they are mapped to: for documentation."""

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.isolation import isolated
from modelmigrate.models.loader import load_models, models_of


class MappedClass(NamedTuple):
    """A class of the models."""

    name: str
    module: str
    file: str
    """Relative to the project, where it is in there."""
    text: str
    """The first paragraph of its docstring."""
    attributes: dict[str, str]
    """What columns are called in the class, where that is another name."""


Classes = dict[tuple[str, str], list[MappedClass]]
"""The classes of each table, by its schema and name."""


def read_classes() -> Classes:
    """The classes, read by this Python in a process of its own; none where the project has its models
    elsewhere than `[tool.modelmigrate]` says.

    Raises:
        MigrateError: they cannot be loaded; with what was written to stderr.
    """
    if not models_of(project.root(), project.settings()).path.exists():
        return {}
    finished = subprocess.run(
        [sys.executable, "-m", __name__],
        env=isolated(MODELMIGRATE_PROJECT=str(project.root())),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode:
        raise MigrateError(f"the models cannot be read\n{finished.stderr.strip()}")
    classes: Classes = {}
    for schema, table, *about in json.loads(finished.stdout):
        classes.setdefault((schema, table), []).append(MappedClass(*about))
    return classes


def _describe() -> list[tuple[object, ...]]:
    root = project.root()
    found = []
    for mapper in load_models(root).registry.mappers:
        table, mapped = mapper.local_table, mapper.class_
        if not (hasattr(table, "schema") and hasattr(table, "name")):  # mapped to a query
            continue
        file = Path(inspect.getfile(mapped)).resolve()
        place = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
        attributes = {
            column.name: attribute.key
            for attribute in mapper.column_attrs
            for column in attribute.columns
            if column.table is table and attribute.key != column.name
        }
        schema = table.schema or "public"
        names = (mapped.__name__, mapped.__module__)
        found.append((schema, table.name, *names, place, _first_paragraph(mapped), attributes))
    return sorted(found, key=lambda each: each[:4])


def _first_paragraph(mapped: type) -> str:
    text = inspect.cleandoc(mapped.__dict__.get("__doc__") or "")
    generated = text.startswith(f"{mapped.__name__}(")  # as dataclasses have it
    return "" if generated else " ".join(text.partition("\n\n")[0].split())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_describe()))
