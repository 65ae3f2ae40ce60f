"""What a migration takes away from programs that run while it is applied: seen by applying it."""

from collections.abc import Iterator

from modelmigrate.atlas.directory import Migration
from modelmigrate.schema import declared
from modelmigrate.schema.catalog import things, view_columns
from modelmigrate.schema.dump import read
from modelmigrate.schema.states import one_after_another

KINDS = {"TABLE", "TYPE", *declared.KINDS}


def drops(migrations: list[Migration]) -> Iterator[str]:
    """What is gone once the last of these is applied, renames apart."""
    with one_after_another(migrations, 1) as (before, after):
        old, new = things(before), things(after)
        schema, changed = read(before), read(after)
        views, views_after = view_columns(before), view_columns(after)
    renamed = {
        thing.owner
        for key, thing in old.items()
        if thing.kind in ("relation", "type") and key in new and new[key].owner != thing.owner
    }
    for label, entry in schema.items():
        holder = entry.name.partition(" ")[0]  # a trigger's table
        if entry.kind in KINDS and label not in changed and not {entry.name, holder} & renamed:
            yield label
    columns = {(thing.owner, thing.name) for thing in new.values() if thing.kind == "column"}
    for key, thing in old.items():
        stays = f"TABLE {thing.owner}" in changed and (thing.owner, thing.name) not in columns
        if thing.kind == "column" and key not in new and stays:
            yield f"COLUMN {thing.owner}.{thing.name}"
    for view, column in views:
        if (view, column) not in views_after and any(view == other for other, _ in views_after):
            yield f"COLUMN {view}.{column}"
