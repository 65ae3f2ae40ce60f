"""What a migration has added is dropped again: the plan of most down migrations, found without running
anything. Whether it restores the schema is for a proof to say."""

import re

from modelmigrate.planning.kinds import inverse_statement
from modelmigrate.schema.diff import Change, Schema, diff
from modelmigrate.schema.table import split_table
from modelmigrate.sql.names import IDENTIFIER, QUALIFIED, label_name, quote, split_name, unquote

COLUMN = re.compile(rf"(?!CONSTRAINT |NOT NULL ){IDENTIFIER}")
REFERENCES = re.compile(rf" REFERENCES (?P<table>{QUALIFIED})\(")


def drop_additions(previous: Schema, current: Schema) -> list[str]:
    """The statements that drop what `current` has beyond `previous`, in the reverse order of creation,
    the columns of tables last; none where anything else differs.

    What belongs to a table, a view or a function that goes is not named."""
    changes = diff(previous, current)
    added = {each.label for each in changes if not each.desired}
    statements = []
    for change in in_order_of_dropping(changes):
        if change.current is None or (change.desired and change.kind != "TABLE"):
            return []
        if change.desired or added.intersection(change.current.belongs_to):
            continue
        if change.kind.endswith("ACL") or not (dropped := inverse_statement(change.current)):
            return []
        statements.append(dropped)
    for change in changes:
        if change.desired:
            if not (columns := added_columns(change)):
                return []
            statements.append(drop_columns(change.desired.quoted_name, columns))
    return statements


def in_order_of_dropping(changes: list[Change]) -> list[Change]:
    """The changes in the reverse order of creation, where each table comes before those that it refers
    to; `pg_dump` creates their foreign keys after all of them."""
    referring: dict[str, set[str]] = {}
    for change in changes:
        key = change.current if change.kind == "FK CONSTRAINT" and not change.desired else None
        if key and (found := REFERENCES.search(key.create_sql)):
            table = f"TABLE {label_name(found['table'])}"
            referring.setdefault(table, set()).update({*key.belongs_to} - {table})
    waiting = changes[::-1]
    ordered: list[Change] = []
    while waiting:
        labels = {each.label for each in waiting}
        free = [each for each in waiting if labels.isdisjoint(referring.get(each.label, ()))]
        if not free:
            return [*ordered, *waiting]
        ordered += free
        waiting = [each for each in waiting if each not in free]
    return ordered


def added_columns(change: Change) -> list[str]:
    """The columns by which a table has grown; none where it has changed in any other way."""
    if change.current is None or change.desired is None:
        return []
    (head, items, tail), (old_head, old_items, old_tail) = (
        split_table(each.create_sql) for each in (change.current, change.desired)
    )
    columns = [COLUMN.match(item) for item in items if item not in old_items]
    if (head, tail) != (old_head, old_tail) or not {*old_items} <= {*items}:
        return []
    return [found[0] for found in columns if found] if all(columns) else []


def drop_columns(table: str, columns: list[str]) -> str:
    """The statement that drops columns, as Atlas writes it."""
    schema, name = split_name(table)
    drops = ", ".join(f"DROP COLUMN {quote(unquote(each))}" for each in columns)
    where = quote(unquote(name)) if schema == "public" else f"{schema}.{quote(unquote(name))}"
    return f"-- Modify {quote(unquote(name))} table\nALTER TABLE {where} {drops};"
