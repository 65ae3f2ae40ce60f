"""The sequences that columns take their values from: they keep their position, whatever is made of them.

A sequence is a state beside the schema. One that is dropped and recreated starts with 1 again, and the
next insert fails with a duplicate key. So it is renamed with its table or column; and where it has to be
recreated, as for an identity column that was a serial one, its position is carried over.
"""

import re
from contextlib import closing
from typing import NamedTuple

from modelmigrate.planning.context import PlanContext
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.snapshots import once
from modelmigrate.schema.catalog import table_columns
from modelmigrate.schema.diff import SchemaObject, diff
from modelmigrate.sql.names import label_name, literal, quote, split_name, unquote, with_suffix

COLUMN_SEQUENCES = """
    SELECT refobjid::regclass::text, quote_ident(attname), objid::regclass::text, deptype = 'i'
    FROM pg_depend
    JOIN pg_class s ON s.oid = objid AND relkind = 'S'
    JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
    WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass
        AND deptype IN ('a', 'i') AND refobjsubid > 0"""


class ColumnSequence(NamedTuple):
    """The sequence that belongs to a column; names are qualified and quoted."""

    table: str
    column: str
    name: str
    is_identity: bool

    @property
    def alter_column(self) -> str:
        return f"ALTER TABLE {self.table} ALTER COLUMN {self.column}"


@once
def column_sequences(url: str) -> dict[tuple[str, str], ColumnSequence]:
    """The sequences that belong to columns, by table and column."""
    with closing(connect(url, search_path="")) as connection:
        found = map(ColumnSequence._make, connection.execute(COLUMN_SEQUENCES).fetchall())
        return {(each.table, each.column): each for each in found}


def carry_sequences_over(context: PlanContext) -> None:
    """Rename the sequences of columns that stay, and turn serial columns into identity columns and
    back, without a change of their position."""
    if not any("SEQUENCE" in each.kind for each in diff(context.desired, context.expected())):
        return
    current, desired = column_sequences(context.current_url), column_sequences(context.desired_url)
    for key, wanted in desired.items():
        found = current.get(key)
        if found and found.is_identity == wanted.is_identity:
            statements = rename(found, wanted)
        elif found:
            statements = replace(found, wanted, statements_of(context.desired, wanted))
        else:
            statements = add(context, wanted)
        for statement in statements:
            if context.try_execute(statement):
                break
    # Atlas would set a sequence back to its new start.
    for change in diff(context.desired, context.expected()):
        if change.kind == "SEQUENCE" and change.current and change.desired:
            alter = alter_sequence(change.current, change.desired)
            if alter and alter not in context.statements:
                context.try_execute(alter)


def rename(found: ColumnSequence, wanted: ColumnSequence) -> list[str]:
    """The statements that give a sequence the name that it is to have."""
    (schema, name), (new_schema, new_name) = split_name(found.name), split_name(wanted.name)
    moved = f"{new_schema}.{name}"
    return [
        *(
            [f"ALTER SEQUENCE {found.name} SET SCHEMA {new_schema};"]
            if schema != new_schema
            else []
        ),
        *([f"ALTER SEQUENCE {moved} RENAME TO {new_name};"] if name != new_name else []),
    ]


def replace(found: ColumnSequence, wanted: ColumnSequence, created: list[str]) -> list[str]:
    """The statements that make an identity column of a serial one, or a serial one of an identity
    column; `created` are those that create what is wanted."""
    schema, name = split_name(found.name)
    short = quote(with_suffix(unquote(name), "_before"))
    before = f"{schema}.{short}"
    position = (
        f"SELECT pg_catalog.setval({literal(wanted.name)}, last_value, is_called) FROM {before};"
    )
    set_aside = f"ALTER SEQUENCE {found.name} RENAME TO {short};"
    if wanted.is_identity:
        return [
            set_aside,
            f"{found.alter_column} DROP DEFAULT;",
            f"ALTER SEQUENCE {before} OWNED BY NONE;",
            *created,
            position,
            f"DROP SEQUENCE {before};",
        ]
    sequence, *rest = created
    return [set_aside, sequence, position, f"{found.alter_column} DROP IDENTITY;", *rest]


def add(context: PlanContext, wanted: ColumnSequence) -> list[str]:
    """The statements that give a column that is there a sequence, which goes on after its values; none
    for a new column."""
    column = table_columns(context.current_url, wanted.table).get(wanted.column)
    if column is None:
        return []
    alone = f"SELECT last_value FROM {wanted.name}"
    return [
        *([] if column.not_null else [f"{wanted.alter_column} SET NOT NULL;"] * wanted.is_identity),
        *([f"{wanted.alter_column} DROP DEFAULT;"] if column.default else []),
        *statements_of(context.desired, wanted),
        f"SELECT pg_catalog.setval({literal(wanted.name)}, max({wanted.column})) FROM {wanted.table}"
        f" HAVING max({wanted.column}) >= ({alone});",
    ]


def statements_of(schema: dict[str, SchemaObject], wanted: ColumnSequence) -> list[str]:
    """The statements that create a column's sequence: one for an identity column; for a serial one
    those of the sequence, of its owner and of the default."""
    if wanted.is_identity:
        marker = f"    SEQUENCE NAME {wanted.name}\n"
        return [obj.create_sql for obj in schema.values() if marker in obj.create_sql]
    label = f"SEQUENCE {label_name(wanted.name)}"
    default = f"{wanted.alter_column.replace('ALTER TABLE', 'ALTER TABLE ONLY')} SET DEFAULT "
    return [
        obj.create_sql
        for obj in schema.values()
        if obj.label == label
        or (obj.kind == "SEQUENCE OWNED BY" and label in obj.belongs_to)
        or (obj.kind == "DEFAULT" and obj.create_sql.startswith(default))
    ]


def alter_sequence(current: SchemaObject, desired: SchemaObject) -> str:
    """The statement that gives a sequence its options, and keeps its position; empty where it is to be
    of another kind."""
    head, _, options = desired.create_sql.partition("\n")
    identity = re.match(
        r"(?P<column>ALTER TABLE .*) ADD GENERATED (?P<when>ALWAYS|BY DEFAULT) AS IDENTITY \(", head
    )
    was_identity = current.create_sql.startswith("ALTER TABLE ")
    if bool(identity) != was_identity:
        return ""
    words = [line.strip(" ;)") for line in options.splitlines()]
    words = [each for each in words if each and not each.startswith("SEQUENCE NAME ")]
    words += [] if "CYCLE" in words else ["NO CYCLE"]
    if identity:
        changes = [f"SET GENERATED {identity['when']}", *(f"SET {each}" for each in words)]
        return f"{identity['column']} {' '.join(changes)};"
    of_type = [] if any(each.startswith("AS ") for each in words) else ["AS bigint"]
    return f"ALTER SEQUENCE {desired.quoted_name} {' '.join([*of_type, *words])};"
