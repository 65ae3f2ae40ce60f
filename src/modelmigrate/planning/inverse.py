"""The plan of most down migrations, found without running anything: what was added is dropped, what was
dropped or replaced is created as it was. Whether that restores the schema is for a proof to say."""

import re

from modelmigrate.planning.kinds import REPLACE_FORMS, TYPES, inverse_statement
from modelmigrate.schema.diff import Change, Schema, diff
from modelmigrate.schema.table import split_table
from modelmigrate.sql.names import (
    IDENTIFIER,
    QUALIFIED,
    label_name,
    quote,
    split_name,
    unquote,
)

COLUMN = re.compile(rf"(?!CONSTRAINT |NOT NULL ){IDENTIFIER}")
# What a part of a table needs, and the label of that by its name.
NEEDS = {
    "FK CONSTRAINT": (re.compile(rf" REFERENCES ({QUALIFIED})\("), "TABLE {}"),
    "TRIGGER": (re.compile(rf" EXECUTE FUNCTION ({QUALIFIED})\("), "FUNCTION {}()"),
}
# What tables and functions use goes after them, in this order.
LAST = ("DOMAIN", "TYPE", "EXTENSION", "SCHEMA")


class NoInverseError(Exception):
    """More has changed than can be taken back without a look at the database."""


def inverse_plan(previous: Schema, current: Schema) -> list[str]:
    """The statements that lead from the schema `current` back to `previous`: drops, in the reverse order
    of creation, then creations, then the columns that tables have grown by.

    Raises:
        NoInverseError: a table has changed in another way, a type or privileges have changed, a sequence
            has whose position counts, or what was dropped may have been renamed.
    """
    changes = diff(previous, current)
    added = [each for each in changes if not each.desired]
    dropped = [each for each in changes if not each.current]
    if {each.kind for each in added} & {each.kind for each in dropped}:
        raise NoInverseError
    gone, back = ({each.label for each in side} for side in (added, dropped))
    drops = [
        inverse_statement(each.current)
        for each in in_order_of_dropping(changes)
        if each.current and is_dropped(each) and gone.isdisjoint(each.current.belongs_to)
    ]
    if not all(drops):
        raise NoInverseError
    creations, columns = [], []
    for change in changes:
        if change.kind.endswith("ACL") or (
            change.current and change.kind in TYPES and change.desired
        ):
            raise NoInverseError
        if change.desired is None:
            continue
        if change.kind == "SEQUENCE" and back.isdisjoint(change.desired.belongs_to):
            raise NoInverseError
        if change.kind == "TABLE" and change.current:
            columns.append(drop_columns(change))
        else:
            creations.append(creation(change))
    return [*drops, *creations, *columns]


def is_dropped(change: Change) -> bool:
    """Whether its current side goes first, if there is one: what cannot be replaced does."""
    return not change.desired or change.kind not in {"TABLE", *TYPES, *REPLACE_FORMS}


def creation(change: Change) -> str:
    """The statement that creates or replaces an object."""
    create_sql = change.desired.create_sql if change.desired else ""
    if change.current and change.kind in REPLACE_FORMS:
        return create_sql.replace(*REPLACE_FORMS[change.kind], 1)
    return create_sql


def in_order_of_dropping(changes: list[Change]) -> list[Change]:
    """The changes in the reverse order of creation, where each table comes before what its foreign keys
    and triggers need: they go with it, though they were created after all tables."""
    users: dict[str, set[str]] = {}
    for change in changes:
        part = change.current if change.kind in NEEDS and not change.desired else None
        if part is None:
            continue
        pattern, label = NEEDS[change.kind]
        if found := pattern.search(part.create_sql):
            needed = label.format(label_name(found[1]))
            users.setdefault(needed, set()).update({*part.belongs_to} - {needed})
    first = [each for each in reversed(changes) if each.kind not in LAST]
    last = [each for each in reversed(changes) if each.kind in LAST]
    last.sort(key=lambda each: LAST.index(each.kind))
    ordered: list[Change] = []
    while first:
        labels = {each.label for each in first}
        free = [each for each in first if labels.isdisjoint(users.get(each.label, ()))]
        ordered += free or first
        first = [each for each in first if free and each not in free]
    return [*ordered, *last]


def drop_columns(change: Change) -> str:
    """The statement that drops the columns by which a table has grown, as Atlas writes it.

    Raises:
        NoInverseError: it has changed in any other way.
    """
    if change.current is None or change.desired is None:
        raise NoInverseError
    (head, items, tail), (old_head, old_items, old_tail) = (
        split_table(each.create_sql) for each in (change.current, change.desired)
    )
    columns = [COLUMN.match(item) for item in items if item not in old_items]
    if (head, tail) != (old_head, old_tail) or not {*old_items} <= {*items} or not all(columns):
        raise NoInverseError
    schema, name = split_name(change.desired.quoted_name)
    name = quote(unquote(name))
    drops = ", ".join(f"DROP COLUMN {quote(unquote(each[0]))}" for each in columns if each)
    where = name if schema == "public" else f"{schema}.{name}"
    return f"-- Modify {name} table\nALTER TABLE {where} {drops};"
