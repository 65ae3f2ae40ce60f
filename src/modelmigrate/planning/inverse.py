"""The plan of most down migrations, found without running anything: what was added is dropped, what was
dropped or replaced is created as it was. Whether that restores the schema is for a proof to say."""

import re

from modelmigrate.planning.in_place import changes_in_place
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
NOT_NULL = re.compile(rf"(?: CONSTRAINT {IDENTIFIER})? NOT NULL\Z")
CHECK = re.compile(rf"CONSTRAINT (?P<name>{IDENTIFIER}) CHECK ")
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
    first, creations, last = [], [], []
    for change in changes:
        if change.kind.endswith("ACL") or (
            change.current and change.kind in TYPES and change.desired
        ):
            raise NoInverseError
        if change.desired is None:
            continue
        if statements := in_place(change):
            creations += statements
            continue
        if change.kind == "SEQUENCE" and back.isdisjoint(change.desired.belongs_to):
            raise NoInverseError
        if change.kind == "TABLE" and change.current:
            before, after = inverse_of_table(change)
            first += before
            last += after
        else:
            creations.append(creation(change))
    return [*drops, *first, *creations, *last]


def is_dropped(change: Change) -> bool:
    """Whether its current side goes first, if there is one: what cannot be replaced does."""
    kinds = {"TABLE", *TYPES, *REPLACE_FORMS}
    return not change.desired or not (change.kind in kinds or in_place(change))


def in_place(change: Change) -> list[str]:
    """The statements that take a change back in its place; none where it cannot be."""
    return (
        changes_in_place(change.current, change.desired)
        if change.current and change.desired
        else []
    )


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


def inverse_of_table(change: Change) -> tuple[list[str], list[str]]:
    """The statements that make way for what is created: they drop the checks that a table has got, and the
    NOT NULLs. And those that come last: they add what it had of these, and drop the columns by which it
    has grown, as Atlas writes it.

    Raises:
        NoInverseError: it has changed in any other way.
    """
    if change.current is None or change.desired is None:
        raise NoInverseError
    (head, items, tail), (old_head, old_items, old_tail) = (
        split_table(each.create_sql) for each in (change.current, change.desired)
    )
    added = [item for item in items if item not in old_items]
    removed = [item for item in old_items if item not in items]
    nullable = {*removed} & {NOT_NULL.sub("", item) for item in added}
    required = {item for item in removed if NOT_NULL.sub("", item) in added} - nullable
    checks = [item for item in removed if CHECK.match(item)]
    if (head, tail) != (old_head, old_tail) or {*removed} - nullable - required - {*checks}:
        raise NoInverseError
    alter = f"ALTER TABLE {change.desired.quoted_name}"
    first, last, grown = [], [], []
    for item in added:
        if check := CHECK.match(item):
            # That of a partition is gone with that of its table.
            first.append(f"{alter} DROP CONSTRAINT IF EXISTS {check['name']};")
        elif not (column := COLUMN.match(item)):
            raise NoInverseError
        elif NOT_NULL.sub("", item) in nullable:
            first.append(f"{alter} ALTER COLUMN {column[0]} DROP NOT NULL;")
        elif f"{item} NOT NULL" in required:
            last.append(f"{alter} ALTER COLUMN {column[0]} SET NOT NULL;")
        elif item in {NOT_NULL.sub("", each) for each in required}:
            raise NoInverseError  # a NOT NULL with a name of its own
        else:
            grown.append(f"DROP COLUMN {quote(unquote(column[0]))}")
    last += [f"{alter} ADD {check};" for check in checks]
    if grown:
        schema, name = split_name(change.desired.quoted_name)
        name = quote(unquote(name))
        where = name if schema == "public" else f"{schema}.{name}"
        last.append(f"-- Modify {name} table\nALTER TABLE {where} {', '.join(grown)};")
    return first, last
