"""The rule against destructive changes: what a migration drops, seen by applying it."""

from collections.abc import Iterator

from modelmigrate.atlas.directory import Migration
from modelmigrate.schema.catalog import catalog_objects, view_columns
from modelmigrate.schema.declared import DECLARED_KINDS
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import before_and_after
from modelmigrate.sql.names import label_name

TITLE = "Destructive change"
VERB = "drops"
ADVICE = "Running code that uses it will fail. Deploy code without it first"
WATCHED_KINDS = {"TABLE", "TYPE", *DECLARED_KINDS}


def dropped_objects(migrations: list[Migration]) -> Iterator[str]:
    """The labels of the tables, columns, types, views, functions and so on that the last of these
    migrations drops. What it renames, or drops and recreates, does not count.

    Raises:
        MigrateError: the migrations do not replay from an empty database.
    """
    with before_and_after(migrations, 1) as (before_url, after_url):
        old, new = catalog_objects(before_url), catalog_objects(after_url)
        old_schema, new_schema = read_schema(before_url), read_schema(after_url)
        old_views, new_views = view_columns(before_url), view_columns(after_url)
    renamed = {
        label_name(obj.parent)
        for key, obj in old.items()
        if obj.kind in ("relation", "type") and key in new and new[key].parent != obj.parent
    }
    for label, entry in old_schema.items():
        tables = {each.partition(" ")[2] for each in entry.belongs_to}  # of a trigger
        if (
            entry.kind in WATCHED_KINDS
            and label not in new_schema
            and not {entry.name, *tables} & renamed
        ):
            yield label
    new_columns = {(obj.parent, obj.name) for obj in new.values() if obj.kind == "column"}
    for key, obj in old.items():
        dropped = key not in new and (obj.parent, obj.name) not in new_columns
        # A table that is dropped as a whole is one finding, without its columns.
        if obj.kind == "column" and dropped and f"TABLE {label_name(obj.parent)}" in new_schema:
            yield f"COLUMN {obj.parent}.{obj.name}"
    for view, column in old_views:
        remains = any(view == other for other, _ in new_views)
        if remains and (view, column) not in new_views:
            yield f"COLUMN {view}.{column}"
