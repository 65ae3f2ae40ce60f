"""Two states of the tables in one picture: what a branch adds, changes and removes stands beside each column."""

from collections.abc import Iterable

from modelmigrate.inspect.model import Column, Table, type_label


def changed_tables(before: Iterable[Table], after: Iterable[Table]) -> list[Table]:
    """The tables that are not as before, with a note at each column that is not; and those that they
    refer to, with their keys alone."""
    old, new = ({each.name: each for each in tables} for tables in (before, after))
    names = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    changed = {name: noted(old.get(name), new.get(name)) for name in names}
    known = old | new
    near = {r.table for table in changed.values() for r in table.references} - changed.keys()
    return [*changed.values(), *(keys_of(known[name]) for name in sorted(near))]


def noted(before: Table | None, after: Table | None) -> Table:
    """A table as it is now, or was last, with notes; it has at least one of both states."""
    old = {column.name: column for column in (before.columns if before else ())}
    new = {column.name: column for column in (after.columns if after else ())}
    columns = [each._replace(note=how(old.get(name), each)) for name, each in new.items()]
    removed = [each._replace(note="removed") for name, each in old.items() if name not in new]
    shown = after or before
    assert shown  # noqa: S101 it differs from nothing
    return shown._replace(columns=(*columns, *removed))


def how(before: Column | None, after: Column) -> str:
    """What has become of a column, in a few words; nothing where it is as it was."""
    if before is None:
        return "added"
    if type_label(before) != type_label(after):
        return f"was {type_label(before)}"
    return "" if before == after else f"was {', '.join(before.marks) or 'no key'}"


def keys_of(table: Table) -> Table:
    """A table that is shown because it is referred to."""
    columns = tuple(column for column in table.columns if {"PK", "UK"} & {*column.marks})
    return table._replace(columns=columns, references=())
