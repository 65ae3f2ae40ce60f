"""What Atlas does not change in a table that stays: its options, collations and identity columns."""

import re

from modelmigrate.planning.context import PlanContext, Selects, select_all
from modelmigrate.schema.diff import SchemaObject, diff
from modelmigrate.schema.table import parse_columns, split_table, table_name
from modelmigrate.sql.names import IDENTIFIER

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
IDENTITY_STATEMENT = (
    r"(?P<column>ALTER TABLE .* ALTER COLUMN .*) ADD GENERATED (?P<when>ALWAYS|BY DEFAULT) AS IDENTITY"
    r" \((?P<options>[^;]*)\);"
)


def alter_table_options(current: SchemaObject, desired: SchemaObject) -> list[str]:
    """The statements that change what Atlas leaves alone in a table that stays: whether it is logged,
    its checks and virtual columns, its storage parameters and its settings."""
    (head, lines, tail), (desired_head, desired_lines, desired_tail) = (
        split_table(obj.create_sql) for obj in (current, desired)
    )
    alter = f"ALTER TABLE {table_name(desired_head)}"
    logged = "UNLOGGED" if "UNLOGGED" in desired_head else "LOGGED"
    return [
        *([f"{alter} SET {logged};"] if head != desired_head else []),
        *change_inline_constraints(alter, lines, desired_lines),
        *change_virtual_columns(alter, lines, desired_lines),
        *change_storage_parameters(alter, tail, desired_tail),
        *change_settings(tail, desired_tail),
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


def change_virtual_columns(alter: str, lines: list[str], desired_lines: list[str]) -> list[str]:
    """Add generated columns that are not stored, which Atlas would store, and change how they are
    computed."""
    columns, statements = parse_columns(lines), []
    for name, desired in parse_columns(desired_lines).items():
        if not desired["computed"] or desired["stored"]:
            continue
        if name not in columns:
            statements.append(f"{alter} ADD COLUMN {desired[0]};")
        elif columns[name]["computed"] != desired["computed"]:
            statements.append(
                f"{alter} ALTER COLUMN {name} SET EXPRESSION AS {desired['computed']};"
            )
    return statements


def change_storage_parameters(alter: str, tail: str, desired_tail: str) -> list[str]:
    """Reset and set what stands in WITH (...)."""
    parameters, desired_parameters = (
        dict(re.findall(r"(\w+)=('[^']*'|\w+)", re.sub(r"(?s)\);.*", ")", each)))
        for each in (tail, desired_tail)
    )
    return [
        *(f"{alter} RESET ({key});" for key in parameters if key not in desired_parameters),
        *(
            f"{alter} SET ({key}={value});"
            for key, value in desired_parameters.items()
            if parameters.get(key) != value
        ),
    ]


def change_settings(tail: str, desired_tail: str) -> list[str]:
    """Undo and run the ALTER statements that follow the CREATE TABLE."""
    settings, desired_settings = (
        [line for line in each.splitlines() if line.startswith("ALTER ")]
        for each in (tail, desired_tail)
    )
    undone = [
        re.sub(pattern, replacement, line)
        for line in settings
        for pattern, replacement in PROPERTY_PATTERNS
        if line not in desired_settings and re.search(pattern, line)
    ]
    return undone + [line for line in desired_settings if line not in settings]


def change_column_types(context: PlanContext, selects: Selects = select_all) -> bool:
    """Change in the columns what Atlas does not see, such as a collation; whether any was changed."""
    count = len(context.statements)
    for change in diff(context.desired, context.current()):
        if change.kind == "TABLE" and change.desired and change.current and selects(change):
            for statement in alter_columns(change.current, change.desired):
                context.try_execute(statement)
    return count < len(context.statements)


def alter_columns(current: SchemaObject, desired: SchemaObject) -> list[str]:
    """The statements that give the columns of a table that stays their exact types and defaults."""
    (_, lines, _), (desired_head, desired_lines, _) = (
        split_table(obj.create_sql) for obj in (current, desired)
    )
    columns, statements = parse_columns(lines), []
    for name, new in parse_columns(desired_lines).items():
        if (old := columns.get(name)) is None:
            continue
        alter = f"ALTER TABLE {table_name(desired_head)} ALTER COLUMN {name}"
        if old["type"] != new["type"]:
            statements.append(f"{alter} TYPE {new['type']};")
        if new["default"] and old["default"] != new["default"]:
            statements.append(f"{alter} SET DEFAULT {new['default']};")
    return statements


def alter_identity(current: SchemaObject, desired: SchemaObject) -> str:
    """The statement that gives an identity column its options, and keeps its counter; empty for
    anything else."""
    before, after = (re.match(IDENTITY_STATEMENT, obj.create_sql) for obj in (current, desired))
    if not before or not after:
        return ""
    options = [
        line.strip() for line in after["options"].splitlines() if "SEQUENCE NAME" not in line
    ]
    options += [] if "CYCLE" in options else ["NO CYCLE"]
    changes = [f"SET {each}" for each in (f"GENERATED {after['when']}", *filter(None, options))]
    return f"{after['column']} {' '.join(changes)};"
