"""Enums that lose values or change their order, which no ALTER can do."""

import re

from modelmigrate.planning.context import PlanContext
from modelmigrate.planning.dependents import execute_with_dependents
from modelmigrate.schema.catalog import columns_of_type


def recreate_enums(context: PlanContext) -> None:
    """Make enums anew that lose values or change their order, which no ALTER can do."""
    for label, entry in list(context.current().items()):
        wanted = context.desired.get(label)
        if (
            not wanted
            or wanted.create_sql == entry.create_sql
            or " AS ENUM " not in wanted.create_sql
        ):
            continue
        values, new_values = (
            re.findall(r"^    '.*'", e.create_sql, re.MULTILINE) for e in (entry, wanted)
        )
        if [value for value in new_values if value in values] == values:
            continue  # values were only added
        name = wanted.create_sql.split()[2]
        schema, _, bare = name.rpartition(".")
        old = f"{schema}.{bare.strip(chr(34))}_before"
        columns = columns_of_type(context.connection, name)
        steps = [f"ALTER TYPE {name} RENAME TO {old.rpartition('.')[2]};", wanted.create_sql]
        for table, column, brackets, default in columns:
            change = f"ALTER TABLE {table} ALTER COLUMN {column}"
            steps += [f"{change} DROP DEFAULT;"] if default else []
            cast = f"{column}::text{brackets}::{name}{brackets}"
            steps.append(f"{change} TYPE {name}{brackets} USING {cast};")
            steps += [f"{change} SET DEFAULT {default};"] if default else []
        for step in [*steps, f"DROP TYPE {old};"]:
            execute_with_dependents(context, step)
