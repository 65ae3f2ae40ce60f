"""What a migration takes away from programs that run while it is applied: seen by applying it."""

from collections.abc import Iterator

from modelmigrate.atlas.directory import Migration
from modelmigrate.schema.catalog import catalog_objects, view_columns
from modelmigrate.schema.declared import DECLARED_KINDS
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import before_and_after

WATCHED_KINDS = {"TABLE", "TYPE", *DECLARED_KINDS}


def dropped_objects(migrations: list[Migration]) -> Iterator[str]:
    """What is gone once the last of these is applied, renames apart."""
    with before_and_after(migrations, 1) as (before, after):
        old, new = catalog_objects(before), catalog_objects(after)
        schema, changed = read_schema(before), read_schema(after)
        views, views_after = view_columns(before), view_columns(after)
    renamed = {
        obj.parent
        for key, obj in old.items()
        if obj.kind in ("relation", "type") and key in new and new[key].parent != obj.parent
    }
    for label, entry in schema.items():
        holder = entry.name.partition(" ")[0]  # a trigger's table
        if (
            entry.kind in WATCHED_KINDS
            and label not in changed
            and not {entry.name, holder} & renamed
        ):
            yield label
    columns = {(obj.parent, obj.name) for obj in new.values() if obj.kind == "column"}
    for key, obj in old.items():
        stays = f"TABLE {obj.parent}" in changed and (obj.parent, obj.name) not in columns
        if obj.kind == "column" and key not in new and stays:
            yield f"COLUMN {obj.parent}.{obj.name}"
    for view, column in views:
        if (view, column) not in views_after and any(view == other for other, _ in views_after):
            yield f"COLUMN {view}.{column}"
