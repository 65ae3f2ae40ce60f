"""What can be done with each kind of object: how it is replaced, undone, and what it contains."""

import re

from modelmigrate.planning.context import PlanContext
from modelmigrate.schema.diff import Change, Schema, SchemaObject

# What `pg_dump` knows no DROP for: the part of its statement to replace, and by what.
INVERSE_PATTERNS = {
    "COMMENT": (r" IS .*;\Z", " IS NULL;"),
    "ROW SECURITY": (r" ENABLE ", " DISABLE "),
    "SEQUENCE": (r" ADD GENERATED .*", " DROP IDENTITY IF EXISTS;"),
    "SEQUENCE OWNED BY": (r" OWNED BY .*", " OWNED BY NONE;"),
    "TABLE ATTACH": (r"ALTER TABLE ONLY (.*) ATTACH PARTITION (\S+) .*", r"ALTER TABLE \1 DETACH PARTITION \2;"),
}  # fmt: skip
# What can be changed without being removed first.
REPLACE_FORMS = {
    "AGGREGATE": ("CREATE ", "CREATE OR REPLACE "),
    "COMMENT": ("", ""),
    "FUNCTION": ("CREATE ", "CREATE OR REPLACE "),
    "OWNER": ("", ""),
    "PROCEDURE": ("CREATE ", "CREATE OR REPLACE "),
    "SEQUENCE": ("CREATE SEQUENCE ", "ALTER SEQUENCE "),
    "VIEW": ("CREATE ", "CREATE OR REPLACE "),
}
# Made with a table or type, and altered by Atlas where that stays.
PLANNED_BY_ATLAS = {"TABLE", "TYPE", "INDEX", "CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT", "DEFAULT"}  # fmt: skip
# What takes its own indexes, comments and rights with it.
CONTAINERS = {"TABLE", "VIEW", "MATERIALIZED VIEW", "FUNCTION", "PROCEDURE", "EXTENSION"}


def inverse_statement(entry: SchemaObject) -> str:
    """The statement that removes the entry; empty where there is none."""
    if entry.drop_sql or entry.kind not in INVERSE_PATTERNS:
        return entry.drop_sql
    pattern, replacement = INVERSE_PATTERNS[entry.kind]
    undone = re.sub(pattern, replacement, entry.create_sql, flags=re.DOTALL)
    return undone if undone != entry.create_sql else ""


def inverse_of_grant(line: str) -> str:
    """What undoes a GRANT or a REVOKE."""
    words = {"GRANT": "REVOKE", "REVOKE": "GRANT", "TO": "FROM", "FROM": "TO"}
    line = line.replace(" WITH GRANT OPTION", "")
    return re.sub(r"\b(GRANT|REVOKE|TO|FROM)\b", lambda word: words[word[0]], line)


def table_of(entry: SchemaObject) -> str:
    """The table that an entry is part of, and goes with."""
    if entry.kind == "INDEX":
        on = re.search(r" ON (?:ONLY )?(\S+) ", entry.create_sql)
        return on[1] if on else ""
    if entry.kind in ("ACL", "COMMENT", "OWNER"):
        name = re.sub(r"^(?:[A-Z]+ )+", "", entry.name)
        return name.rpartition(".")[0] if entry.name.startswith("COLUMN ") else name
    return entry.name.partition(" ")[0] if entry.kind not in CONTAINERS else ""


def parent_tables(table: SchemaObject | None) -> list[str]:
    """The tables that a table inherits from."""
    found = re.search(r"\nINHERITS \((.*)\)", table.create_sql) if table else None
    return found[1].split(", ") if found else []


def validate_constraint_statement(difference: Change, goal: Schema) -> str:
    """The statement that makes a constraint valid which was NOT VALID; empty if that is not it."""
    entry = difference.current
    if entry is None or not entry.create_sql.endswith(" NOT VALID;"):
        return ""
    table, _, name = entry.name.partition(" ")
    stays = (
        difference.desired or f"CONSTRAINT {name} " in goal.get(f"TABLE {table}", entry).create_sql
    )
    return f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};" if stays else ""


def is_planned_by_atlas(context: PlanContext, difference: Change) -> bool:
    """Whether Atlas plans it: not so the indexes of materialized views."""
    entry = difference.desired or difference.current
    view = f"MATERIALIZED VIEW {table_of(entry)}" if entry else ""
    return (
        difference.kind in PLANNED_BY_ATLAS
        and view not in context.desired
        and view not in context.current()
    )
