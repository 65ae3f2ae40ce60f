"""Enums that lose values or change their order, which no ALTER can do."""

import re

from modelmigrate.planning.context import Bench
from modelmigrate.planning.dependents import altered
from modelmigrate.schema.catalog import columns_of_type


def recast_enums(bench: Bench) -> None:
    """Make enums anew that lose values or change their order, which no ALTER can do."""
    for label, entry in list(bench.now().items()):
        wanted = bench.goal.get(label)
        if not wanted or wanted.create == entry.create or " AS ENUM " not in wanted.create:
            continue
        values, new_values = (
            re.findall(r"^    '.*'", e.create, re.MULTILINE) for e in (entry, wanted)
        )
        if [value for value in new_values if value in values] == values:
            continue  # values were only added
        name = wanted.create.split()[2]
        schema, _, bare = name.rpartition(".")
        old = f"{schema}.{bare.strip(chr(34))}_before"
        columns = columns_of_type(bench.connection, name)
        steps = [f"ALTER TYPE {name} RENAME TO {old.rpartition('.')[2]};", wanted.create]
        for table, column, brackets, default in columns:
            change = f"ALTER TABLE {table} ALTER COLUMN {column}"
            steps += [f"{change} DROP DEFAULT;"] if default else []
            cast = f"{column}::text{brackets}::{name}{brackets}"
            steps.append(f"{change} TYPE {name}{brackets} USING {cast};")
            steps += [f"{change} SET DEFAULT {default};"] if default else []
        for step in [*steps, f"DROP TYPE {old};"]:
            altered(bench, step)
