"""What Atlas does not change in a table that stays: options, collations, identities."""

import re

from modelmigrate.planning.context import Bench, Concerned, everything
from modelmigrate.schema.diff import Entry, compare
from modelmigrate.schema.table import columns_in, table_parts
from modelmigrate.sql.names import IDENTIFIER

# What follows a table's columns, and how it is undone.
PROPERTIES = (
    (r"SET STATISTICS -?\d+", "SET STATISTICS -1"),
    (r"SET STORAGE \w+", "SET STORAGE DEFAULT"),
    (r"SET COMPRESSION \w+", "SET COMPRESSION default"),
    (r"REPLICA IDENTITY .*(?=;)", "REPLICA IDENTITY DEFAULT"),
    (r"(?<!NO )FORCE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY"),
    (r"CLUSTER ON .*(?=;)", "SET WITHOUT CLUSTER"),
    (r"SET \((\w+)=.*\)", r"RESET (\1)"),
)
IDENTITY = (
    r"(?P<column>ALTER TABLE .* ALTER COLUMN .*) ADD GENERATED (?P<when>ALWAYS|BY DEFAULT) AS IDENTITY"
    r" \((?P<options>[^;]*)\);"
)


def table_properties(entry: Entry, wanted: Entry) -> list[str]:
    """What leads to the wanted storage parameters, checks and settings of a table that stays."""
    (head, lines, tail), (new_head, new_lines, new_tail) = (
        table_parts(each.create) for each in (entry, wanted)
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
    columns, new_columns = columns_in(lines), columns_in(new_lines)
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
        for pattern, replacement in PROPERTIES:
            if line not in new_settings and re.search(pattern, line):
                changes.append(re.sub(pattern, replacement, line))
    return changes + [line for line in new_settings if line not in settings]


def retype(bench: Bench, concerned: Concerned = everything) -> bool:
    """Give columns what Atlas does not see, such as a collation; whether that was any."""
    count = len(bench.made)
    for each in compare(bench.goal, bench.now()):
        if each.kind == "TABLE" and each.expected and each.found and concerned(each):
            for change in column_changes(each.found, each.expected):
                bench.attempt(change)
    return count < len(bench.made)


def column_changes(entry: Entry, wanted: Entry) -> list[str]:
    """What gives the columns of a table that stays their very types and defaults."""
    (_, lines, _), (head, new_lines, _) = (table_parts(e.create) for e in (entry, wanted))
    columns, changes = columns_in(lines), []
    table = re.sub(r"CREATE (UNLOGGED )?TABLE (.*) \(", r"\2", head)
    for name, new in columns_in(new_lines).items():
        if (old := columns.get(name)) is None:
            continue
        change = f"ALTER TABLE {table} ALTER COLUMN {name}"
        if old["type"] != new["type"]:
            changes.append(f"{change} TYPE {new['type']};")
        if new["default"] and old["default"] != new["default"]:
            changes.append(f"{change} SET DEFAULT {new['default']};")
    return changes


def identity(entry: Entry, wanted: Entry) -> str:
    """What gives an identity column its wanted options, and leaves it where it counts."""
    before, after = (re.match(IDENTITY, each.create) for each in (entry, wanted))
    if not before or not after:
        return ""
    options = [
        line.strip() for line in after["options"].splitlines() if "SEQUENCE NAME" not in line
    ]
    options += [] if "CYCLE" in options else ["NO CYCLE"]
    changes = [f"SET {each}" for each in (f"GENERATED {after['when']}", *filter(None, options))]
    return f"{after['column']} {' '.join(changes)};"
