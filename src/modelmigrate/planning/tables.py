"""What Atlas does not change in a table that stays: its options, collations and identity columns."""

import re

from modelmigrate.planning.context import PlanContext, Selects, select_all
from modelmigrate.schema.catalog import Column, table_columns
from modelmigrate.schema.diff import SchemaObject, diff
from modelmigrate.schema.inheritance import parents_of
from modelmigrate.schema.table import split_table
from modelmigrate.sql.names import IDENTIFIER
from modelmigrate.sql.statements import split_at_commas, split_statements

# What follows a table's columns in its statement: each setting, and how it is undone.
PROPERTY_PATTERNS = (
    (r"SET STATISTICS -?\d+", "SET STATISTICS -1"),
    (r"SET STORAGE \w+", "SET STORAGE DEFAULT"),
    (r"SET COMPRESSION \w+", "SET COMPRESSION default"),
    (r"REPLICA IDENTITY .*(?=;)", "REPLICA IDENTITY DEFAULT"),
    (r"(?<!NO )FORCE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY"),
    (r"CLUSTER ON .*(?=;)", "SET WITHOUT CLUSTER"),
    (r"SET \((\w+)=.*\)", r"RESET (\1)"),
)


def alter_table_options(current: SchemaObject, desired: SchemaObject) -> list[str]:
    """The statements that change what Atlas leaves alone in a table that stays: whether it is logged,
    its parents, its checks, its storage parameters and its settings."""
    (head, items, tail), (desired_head, desired_items, desired_tail) = (
        split_table(obj.create_sql) for obj in (current, desired)
    )
    alter = f"ALTER TABLE {desired.quoted_name}"
    logged = "UNLOGGED" if desired_head.startswith("CREATE UNLOGGED ") else "LOGGED"
    return [
        *([f"{alter} SET {logged};"] if head != desired_head else []),
        *change_inheritance(alter, current, desired),
        *change_inline_constraints(alter, items, desired_items),
        *change_storage_parameters(alter, *map(storage_options, (tail, desired_tail))),
        *change_settings(tail, desired_tail),
    ]


def columns_of(
    context: PlanContext, current: SchemaObject, desired: SchemaObject
) -> tuple[dict[str, Column], dict[str, Column]]:
    """The columns of a table that stays, as they are and as they are to be."""
    return (
        table_columns(context.current_url, current.quoted_name),
        table_columns(context.desired_url, desired.quoted_name),
    )


def change_inheritance(alter: str, current: SchemaObject, desired: SchemaObject) -> list[str]:
    """Leave the tables that the table is to inherit from no more, and join the others."""
    parents, desired_parents = parents_of(current), parents_of(desired)
    return [
        *(f"{alter} NO INHERIT {each};" for each in parents if each not in desired_parents),
        *(f"{alter} INHERIT {each};" for each in desired_parents if each not in parents),
    ]


def change_inline_constraints(alter: str, lines: list[str], desired_lines: list[str]) -> list[str]:
    """Drop and add the constraints that stand in the CREATE TABLE itself."""
    removed, added = (
        [line for line in side if line.startswith("CONSTRAINT ") and line not in other]
        for side, other in ((lines, desired_lines), (desired_lines, lines))
    )
    names = [re.match(rf"CONSTRAINT ({IDENTIFIER})", line) for line in removed]
    return [
        *(f"{alter} DROP CONSTRAINT IF EXISTS {name and name[1]};" for name in names),
        *(f"{alter} ADD {line};" for line in added),
    ]


def type_of(column: Column) -> str:
    """The type, with its collation where that is not the type's own."""
    return (
        f"{column.type_name} COLLATE {column.collation}" if column.collation else column.type_name
    )


def change_storage_parameters(alter: str, options: str, desired_options: str) -> list[str]:
    """Reset and set what stands in WITH (...)."""
    parameters, desired_parameters = map(storage_parameters, (options, desired_options))
    return [
        *(f"{alter} RESET ({key});" for key in parameters if key not in desired_parameters),
        *(
            f"{alter} SET ({key}={value});"
            for key, value in desired_parameters.items()
            if parameters.get(key) != value
        ),
    ]


def storage_parameters(options: str) -> dict[str, str]:
    """The parameters in a WITH (...)."""
    items = split_at_commas(options) if options else []
    return {key: value for key, _, value in (item.partition("=") for item in items)}


def storage_options(tail: str) -> str:
    """What stands in the WITH (...) that follows a table's columns, for its TOAST table too."""
    found = re.search(r"\nWITH \((.*)\);\Z", split_statements(tail)[0], re.DOTALL)
    return found[1] if found else ""


def change_settings(tail: str, desired_tail: str) -> list[str]:
    """Undo and run the ALTER statements that follow the CREATE TABLE."""
    settings, desired_settings = (split_statements(each)[1:] for each in (tail, desired_tail))
    undone = [
        re.sub(pattern, replacement, statement)
        for statement in settings
        for pattern, replacement in PROPERTY_PATTERNS
        if statement not in desired_settings and re.search(pattern, statement)
    ]
    return undone + [each for each in desired_settings if each not in settings]


def change_column_types(context: PlanContext, selects: Selects = select_all) -> bool:
    """Change in the columns what Atlas does not see, such as a collation; whether any was changed."""
    count = len(context.statements)
    for change in diff(context.desired, context.expected()):
        if change.kind == "TABLE" and change.desired and change.current and selects(change):
            for statement in alter_columns(context, change.current, change.desired):
                context.try_execute(statement)
    return count < len(context.statements)


def alter_columns(context: PlanContext, current: SchemaObject, desired: SchemaObject) -> list[str]:
    """The statements that give the columns of a table that stays their exact types and defaults."""
    columns, desired_columns = columns_of(context, current, desired)
    statements = []
    for name, new in desired_columns.items():
        if (old := columns.get(name)) is None:
            continue
        alter = f"ALTER TABLE {desired.quoted_name} ALTER COLUMN {name}"
        if type_of(old) != type_of(new):
            statements.append(f"{alter} TYPE {type_of(new)};")
        if new.default and old.default != new.default and not new.generated and not old.generated:
            statements.append(f"{alter} SET DEFAULT {new.default};")
    return statements
