"""Tables that inherit from others, without what they have from there.

A column or a check of such a table may be its own as well, by `INHERIT` or by a statement for both
tables; that it is so shows only where the parent loses it. `pg_dump` writes it for both tables then.
"""

import re
from dataclasses import replace

from modelmigrate.schema.diff import Schema, SchemaObject
from modelmigrate.schema.table import join_table, split_table
from modelmigrate.sql.names import label_name
from modelmigrate.sql.statements import split_at_commas

INHERITS = re.compile(r"\)\nINHERITS \((?P<parents>.*)\)(?:\n|;)")


def parents_of(table: SchemaObject) -> list[str]:
    """The tables that a table inherits from, qualified and quoted."""
    if "\nINHERITS (" not in table.create_sql:  # nearly all: to split a table takes its time
        return []
    found = INHERITS.match(split_table(table.create_sql)[2])
    return split_at_commas(found["parents"]) if found else []


def without_inherited(schema: Schema) -> Schema:
    """The schema, where a table that inherits has what is its own alone."""
    inherited: dict[str, set[str]] = {}
    found = {**schema}
    for label, table in schema.items():
        if table.kind == "TABLE" and (parents := parents_of(table)):
            labels = [f"TABLE {label_name(each)}" for each in parents]
            inherited[label] = {
                item
                for each in labels
                if each in schema
                for item in {*split_table(schema[each].create_sql)[1], *inherited.get(each, set())}
            }
            head, items, tail = split_table(table.create_sql)
            own = [each for each in items if not is_inherited(each, inherited[label])]
            if len(own) < len(items):
                found[label] = replace(table, create_sql=join_table(head, own, tail))
    return found


def is_inherited(item: str, inherited: set[str]) -> bool:
    """Whether one of the columns and constraints that a table inherits says what this one of its own
    does; PostgreSQL 18 writes the NOT NULL of a column that is inherited apart from it."""
    column = item.removeprefix("NOT NULL ")
    return item in inherited or (
        column != item
        and any(each.startswith(f"{column} ") and " NOT NULL" in each for each in inherited)
    )
