"""What may have been renamed in the models: found, and written as RENAME."""

import re
from contextlib import closing
from difflib import SequenceMatcher
from typing import NamedTuple

from modelmigrate.postgres.connection import connect
from modelmigrate.schema.catalog import catalog_objects
from modelmigrate.schema.namespaces import PUBLIC
from modelmigrate.sql.names import quote, split_name, unquote

SIMILAR = 0.6  # names of columns, of which the type has changed as well
CASTS = """
    SELECT format_type(castsource, NULL), format_type(casttarget, NULL)
    FROM pg_cast WHERE castcontext IN ('i', 'a')"""


class Rename(NamedTuple):
    """A possible rename: of a column of the table `parent`, of a value of that enum, or of a table or type
    in that schema, where it is empty for `public`. Names are as people write them: see `spelled`."""

    parent: str
    old: str
    new: str
    kind: str = ""
    """`table`, `column`, `type` or `value`; empty for a table or column."""
    reason: str = ""
    """What the old and the new one have in common."""
    sql: str = ""
    after: str = ""
    """The label of the rename of its table, without which it is none."""

    @property
    def label(self) -> str:
        """As the option `rename` names it."""
        return f"{self.old_name}:{self.new}"

    @property
    def old_name(self) -> str:
        """The old name with its parent."""
        return f"{self.parent}.{self.old}" if self.parent else self.old

    @property
    def new_name(self) -> str:
        """The new name with its parent."""
        return f"{self.parent}.{self.new}" if self.parent else self.new

    @property
    def what(self) -> str:
        return self.kind or ("column" if self.parent else "table")


class Names(NamedTuple):
    """The tables and enums of a database, with what they consist of; qualified and quoted."""

    columns: dict[str, dict[str, str]]
    """The columns of each table, with their types without lengths."""
    values: dict[str, dict[str, str]]
    """The values of each enum, with their places."""
    inherited: set[tuple[str, str]]
    """The table and name of each column that is renamed in another table."""


def possible_renames(current_url: str, current: Names, desired: Names) -> list[Rename]:
    """Every pair of a removed and an added column of a table with the same type, or one that it can
    become; of values of an enum in the same place; and of tables and enums with mostly the same columns
    or values. `current` are the names of the database at `current_url`."""
    tables = [
        rename_of("table", "", old, new, "mostly the same columns")
        for old, new in replaced(current.columns, desired.columns)
    ]
    types = [
        rename_of("type", "", old, new, "mostly the same values")
        for old, new in replaced(current.values, desired.values)
    ]
    pairs = [(table, table, "") for table in current.columns.keys() & desired.columns.keys()]
    pairs += [
        (old, new, rename.label)
        for rename, (old, new) in zip(
            tables, replaced(current.columns, desired.columns), strict=True
        )
    ]
    pairs = [
        (old, new, label)
        for old, new, label in pairs
        if (names := current.columns[old].keys() ^ desired.columns[new].keys())
        and not names <= current.columns[old].keys()
        and not names <= desired.columns[new].keys()
    ]
    casts = casts_without_loss(current_url) if pairs else set()
    columns = [
        rename_of("column", table, old, new, reason)._replace(after=label)
        for old_table, table, label in pairs
        for old, new, reason in renamed_columns(
            current.columns[old_table], desired.columns[table], casts
        )
        if (table, new) not in desired.inherited
    ]
    values = [
        rename_of("value", name, removed, added, "in its place")
        for name in current.values.keys() & desired.values.keys()
        for removed, added in renamed_values(current.values[name], desired.values[name])
    ]
    return sorted([*tables, *types, *columns, *values])


def read_names(url: str) -> Names:
    """What may have been renamed in a database."""
    names = Names({}, {}, set())
    for obj in catalog_objects(url).values():
        if obj.kind == "column":
            columns = names.columns.setdefault(obj.parent, {})
            columns[obj.name] = obj.type_name.partition("(")[0]
            if obj.inherited:
                names.inherited.add((obj.parent, obj.name))
        elif obj.kind == "value":
            names.values.setdefault(obj.parent, {})[obj.name] = obj.type_name
    return names


def casts_without_loss(url: str) -> set[tuple[str, str]]:
    """The pairs of types of which the first becomes the second by itself."""
    with closing(connect(url)) as connection:
        return {*connection.execute(CASTS).fetchall()}


def replaced(
    current: dict[str, dict[str, str]], desired: dict[str, dict[str, str]]
) -> list[tuple[str, str]]:
    """The pairs of a removed and an added table or enum that have most of their parts in common."""
    return [
        (removed, added)
        for removed in current
        if removed not in desired
        for added in desired
        if added not in current and mostly_equal(current[removed], desired[added])
    ]


def mostly_equal(one: dict[str, str], other: dict[str, str]) -> bool:
    """Whether two tables or enums have more than half of their columns or values in common."""
    return 2 * len(one.items() & other.items()) > max(len(one), len(other))


def renamed_columns(
    current: dict[str, str], desired: dict[str, str], casts: set[tuple[str, str]]
) -> list[tuple[str, str, str]]:
    """The pairs of a removed and an added column that may be the same one, with the reason."""
    removed = [name for name in current if name not in desired]
    added = [name for name in desired if name not in current]
    alone = len(removed) == len(added) == 1
    found = []
    for old in removed:
        for new in added:
            types = (current[old], desired[new])
            similar = SequenceMatcher(None, old, new).ratio() > SIMILAR
            if types[0] == types[1]:
                found.append((old, new, "with the same type"))
            elif types in casts and (alone or similar):
                found.append((old, new, f"with the type {types[1]}, which {types[0]} becomes"))
    return found


def renamed_values(current: dict[str, str], desired: dict[str, str]) -> list[tuple[str, str]]:
    """The pairs of a removed and an added value that have the same place in their enum."""
    return [
        (old, new)
        for old, place in current.items()
        if old not in desired
        for new, new_place in desired.items()
        if new not in current and place == new_place
    ]


def rename_of(kind: str, parent: str, old: str, new: str, reason: str) -> Rename:
    """A possible rename; `parent`, `old` and `new` are quoted, tables and types with their schemas."""
    if kind in ("table", "type"):
        reason = f"with {reason}"
        (schema, name), (new_schema, new_name) = split_name(old), split_name(new)
        alter, moved = f"ALTER {kind.upper()}", in_sql(f"{new_schema}.{name}")
        steps = [f"{alter} {in_sql(old)} SET SCHEMA {new_schema};"] if schema != new_schema else []
        steps += (
            [f"{alter} {moved} RENAME TO {quote(unquote(new_name))};"] if name != new_name else []
        )
        sql = "\n".join(steps)
        if schema != new_schema or schema == PUBLIC:
            return Rename("", shown(old), shown(new), kind, reason, sql)
        names = shown_part(name), shown_part(new_name)
        return Rename(shown_part(schema), *names, kind, reason, sql)
    if kind == "column":
        sql = f"ALTER TABLE {in_sql(parent)} RENAME COLUMN {quote(unquote(old))} TO {quote(unquote(new))};"
        return Rename(shown(parent), shown_part(old), shown_part(new), kind, reason, sql)
    sql = f"ALTER TYPE {in_sql(parent)} RENAME VALUE {old} TO {new};"
    old, new = (spelled(each[1:-1].replace("''", "'")) for each in (old, new))
    return Rename(shown(parent), old, new, kind, reason, sql)


def shown(qualified: str) -> str:
    """A name as people write it, without the schema public."""
    schema, name = map(shown_part, split_name(qualified))
    return name if schema == PUBLIC else f"{schema}.{name}"


def shown_part(name: str) -> str:
    """One part of a name that SQL has, perhaps in quotes, as people write it."""
    return spelled(unquote(name))


def spelled(name: str) -> str:
    """A name as an answer has it: in quotes where it could end too early."""
    return quote(name) if re.search(r'[ .:,"]', name) else name


def in_sql(qualified: str) -> str:
    """A name in quotes, without the schema public."""
    schema, name = split_name(qualified)
    return f"{'' if schema == PUBLIC else f'{schema}.'}{quote(unquote(name))}"


def rename_statements(renames: list[Rename]) -> list[str]:
    """The statements for these renames."""
    # Tables and types first: a renamed table's columns name it by its new name.
    ordered = sorted(renames, key=lambda each: each.what in ("column", "value"))
    return [statement for each in ordered for statement in each.sql.splitlines()]
