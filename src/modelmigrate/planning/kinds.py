"""What can be done with each kind of object: how it is dropped, how it is replaced, what it contains."""

import re

from modelmigrate.planning.context import PlanContext
from modelmigrate.schema.diff import Change, Schema, SchemaObject
from modelmigrate.schema.table import indexed_table

# Kinds that `pg_dump` writes no DROP for: the part of their statement to replace, and by what.
INVERSE_PATTERNS = {
    "COMMENT": (r" IS .*;\Z", " IS NULL;"),
    "ROW SECURITY": (r" ENABLE ", " DISABLE "),
    "SEQUENCE": (r" ADD GENERATED .*", " DROP IDENTITY IF EXISTS;"),
    "SEQUENCE OWNED BY": (r" OWNED BY .*", " OWNED BY NONE;"),
    "TABLE ATTACH": (r"ALTER TABLE ONLY (.*) ATTACH PARTITION (\S+) .*", r"ALTER TABLE \1 DETACH PARTITION \2;"),
}  # fmt: skip
# Kinds that can be changed without being dropped first: what to replace in their CREATE, and by what.
REPLACE_FORMS = {
    "AGGREGATE": ("CREATE ", "CREATE OR REPLACE "),
    "COMMENT": ("", ""),
    "FUNCTION": ("CREATE ", "CREATE OR REPLACE "),
    "OWNER": ("", ""),
    "PROCEDURE": ("CREATE ", "CREATE OR REPLACE "),
    "SEQUENCE": ("CREATE SEQUENCE ", "ALTER SEQUENCE "),
    "VIEW": ("CREATE ", "CREATE OR REPLACE "),
}
# Created with a table or a type, and changed by Atlas where that stays.
PLANNED_BY_ATLAS = {"TABLE", "TYPE", "INDEX", "CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT", "DEFAULT"}  # fmt: skip
# Dropped together with the indexes, comments, privileges and so on that belong to them.
CONTAINERS = {"TABLE", "VIEW", "MATERIALIZED VIEW", "FUNCTION", "PROCEDURE", "EXTENSION"}


def inverse_statement(obj: SchemaObject) -> str:
    """The statement that drops the object, or undoes its statement; empty where there is none."""
    if obj.drop_sql or obj.kind not in INVERSE_PATTERNS:
        return obj.drop_sql
    pattern, replacement = INVERSE_PATTERNS[obj.kind]
    inverse = re.sub(pattern, replacement, obj.create_sql, flags=re.DOTALL)
    return inverse if inverse != obj.create_sql else ""


def inverse_of_grant(line: str) -> str:
    """The REVOKE for a GRANT, and the other way round."""
    words = {"GRANT": "REVOKE", "REVOKE": "GRANT", "TO": "FROM", "FROM": "TO"}
    line = line.replace(" WITH GRANT OPTION", "")
    return re.sub(r"\b(GRANT|REVOKE|TO|FROM)\b", lambda word: words[word[0]], line)


def container_of(obj: SchemaObject) -> str:
    """The name of the table or other container that an object belongs to, and is dropped with; empty
    for a container."""
    if obj.kind == "INDEX":
        return indexed_table(obj.create_sql)
    if obj.kind in ("ACL", "COMMENT", "OWNER"):
        name = re.sub(r"^(?:[A-Z]+ )+", "", obj.name)
        return name.rpartition(".")[0] if obj.name.startswith("COLUMN ") else name
    return obj.name.partition(" ")[0] if obj.kind not in CONTAINERS else ""


def parent_tables(table: SchemaObject | None) -> list[str]:
    """The tables that a table inherits from."""
    found = re.search(r"\nINHERITS \((.*)\)", table.create_sql) if table else None
    return found[1].split(", ") if found else []


def validate_constraint_statement(change: Change, desired: Schema) -> str:
    """The statement that validates a NOT VALID constraint which stays; empty for any other change."""
    current = change.current
    if current is None or not current.create_sql.endswith(" NOT VALID;"):
        return ""
    table, _, name = current.name.partition(" ")
    # A valid check is part of its table's statement.
    table_sql = desired.get(f"TABLE {table}", current).create_sql
    stays = change.desired or f"CONSTRAINT {name} " in table_sql
    return f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};" if stays else ""


def is_planned_by_atlas(context: PlanContext, change: Change) -> bool:
    """Whether Atlas plans this change; it does not plan the indexes of materialized views."""
    obj = change.desired or change.current
    view = f"MATERIALIZED VIEW {container_of(obj)}" if obj else ""
    return (
        change.kind in PLANNED_BY_ATLAS
        and view not in context.desired
        and view not in context.current()
    )
