"""What Atlas does not change in a table that stays: options, collations, identities."""

import re

from modelmigrate.planning.context import PlanContext, Selects, select_all
from modelmigrate.schema.diff import SchemaObject, diff
from modelmigrate.schema.table import parse_columns, split_table
from modelmigrate.sql.names import IDENTIFIER

# What follows a table's columns, and how it is undone.
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


def alter_table_options(entry: SchemaObject, wanted: SchemaObject) -> list[str]:
    """What leads to the wanted storage parameters, checks and settings of a table that stays."""
    (head, lines, tail), (new_head, new_lines, new_tail) = (
        split_table(each.create_sql) for each in (entry, wanted)
    )
    name = re.sub(r"CREATE (UNLOGGED )?TABLE (.*) \(", r"\2", new_head)
    alter = f"ALTER TABLE {name}"
    changes = []
    if head != new_head:
        changes.append(f"{alter} SET {'UNLOGGED' if 'UNLOGGED' in new_head else 'LOGGED'};")
    for line in lines:
        if line.startswith("CONSTRAINT ") and line not in new_lines:
            constraint = re.match(rf"CONSTRAINT ({IDENTIFIER})", line)
            changes.append(f"{alter} DROP CONSTRAINT IF EXISTS {constraint and constraint[1]};")
    changes += [
        f"{alter} ADD {line};"
        for line in new_lines
        if line.startswith("CONSTRAINT ") and line not in lines
    ]
    columns, new_columns = parse_columns(lines), parse_columns(new_lines)
    for column, new in new_columns.items():
        if not new["computed"] or new["stored"]:
            continue  # only what is not stored Atlas would store
        if column not in columns:
            changes.append(f"{alter} ADD COLUMN {new[0]};")
        elif columns[column]["computed"] != new["computed"]:
            changes.append(f"{alter} ALTER COLUMN {column} SET EXPRESSION AS {new['computed']};")
    options, new_options = (
        dict(re.findall(r"(\w+)=('[^']*'|\w+)", re.sub(r"(?s)\);.*", ")", each)))
        for each in (tail, new_tail)
    )
    changes += [f"{alter} RESET ({key});" for key in options if key not in new_options]
    changes += [
        f"{alter} SET ({key}={value});"
        for key, value in new_options.items()
        if options.get(key) != value
    ]
    settings, new_settings = (
        [line for line in each.splitlines() if line.startswith("ALTER ")]
        for each in (tail, new_tail)
    )
    for line in settings:
        for pattern, replacement in PROPERTY_PATTERNS:
            if line not in new_settings and re.search(pattern, line):
                changes.append(re.sub(pattern, replacement, line))
    return changes + [line for line in new_settings if line not in settings]


def change_column_types(context: PlanContext, concerned: Selects = select_all) -> bool:
    """Give columns what Atlas does not see, such as a collation; whether that was any."""
    count = len(context.statements)
    for each in diff(context.desired, context.current()):
        if each.kind == "TABLE" and each.desired and each.current and concerned(each):
            for change in alter_columns(each.current, each.desired):
                context.try_execute(change)
    return count < len(context.statements)


def alter_columns(entry: SchemaObject, wanted: SchemaObject) -> list[str]:
    """What gives the columns of a table that stays their very types and defaults."""
    (_, lines, _), (head, new_lines, _) = (split_table(e.create_sql) for e in (entry, wanted))
    columns, changes = parse_columns(lines), []
    table = re.sub(r"CREATE (UNLOGGED )?TABLE (.*) \(", r"\2", head)
    for name, new in parse_columns(new_lines).items():
        if (old := columns.get(name)) is None:
            continue
        change = f"ALTER TABLE {table} ALTER COLUMN {name}"
        if old["type"] != new["type"]:
            changes.append(f"{change} TYPE {new['type']};")
        if new["default"] and old["default"] != new["default"]:
            changes.append(f"{change} SET DEFAULT {new['default']};")
    return changes


def alter_identity(entry: SchemaObject, wanted: SchemaObject) -> str:
    """What gives an identity column its wanted options, and leaves it where it counts."""
    before, after = (re.match(IDENTITY_STATEMENT, each.create_sql) for each in (entry, wanted))
    if not before or not after:
        return ""
    options = [
        line.strip() for line in after["options"].splitlines() if "SEQUENCE NAME" not in line
    ]
    options += [] if "CYCLE" in options else ["NO CYCLE"]
    changes = [f"SET {each}" for each in (f"GENERATED {after['when']}", *filter(None, options))]
    return f"{after['column']} {' '.join(changes)};"
