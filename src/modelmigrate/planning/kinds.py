"""What can be done with each kind of object: how it is dropped, how it is replaced, what it contains."""

import re

from modelmigrate.schema.diff import Change, Schema, SchemaObject
from modelmigrate.schema.namespaces import PUBLIC
from modelmigrate.sql.names import QUALIFIED
from modelmigrate.sql.statements import replace_outside_quotes

# As little as possible, and whole names: their words are none of the statement's.
OUTSIDE_NAMES = r'(?:[^"]|"(?:[^"]|"")*")*?'
# Kinds that `pg_dump` writes no DROP for: the part of their statement to replace, and by what.
INVERSE_PATTERNS = {
    "COMMENT": (rf"\A({OUTSIDE_NAMES}) IS .*;\Z", r"\1 IS NULL;"),
    "ROW SECURITY": (r" ENABLE (?=ROW LEVEL SECURITY;\Z)", " DISABLE "),
    "SEQUENCE": (rf"\A({OUTSIDE_NAMES}) ADD GENERATED .*", r"\1 DROP IDENTITY IF EXISTS;"),
    "SEQUENCE OWNED BY": (rf"\A({OUTSIDE_NAMES}) OWNED BY .*", r"\1 OWNED BY NONE;"),
    "TABLE ATTACH": (rf"ALTER TABLE ONLY ({QUALIFIED}) ATTACH PARTITION ({QUALIFIED}) .*", r"ALTER TABLE \1 DETACH PARTITION \2;"),
}  # fmt: skip
# Kinds that can be changed without being dropped first: what to replace in their CREATE, and by what.
REPLACE_FORMS = {
    "AGGREGATE": ("CREATE ", "CREATE OR REPLACE "),
    "COMMENT": ("", ""),
    "FUNCTION": ("CREATE ", "CREATE OR REPLACE "),
    "OWNER": ("", ""),
    "PROCEDURE": ("CREATE ", "CREATE OR REPLACE "),
    "SEQUENCE": ("", ""),  # see `sequences.alter_sequence`
    "VIEW": ("CREATE ", "CREATE OR REPLACE "),
}
# Changed in their place: see `enums`, `domains` and `composites`.
TYPES = {"TYPE", "DOMAIN"}
# Created with a table or a type, and changed by Atlas where that stays.
PLANNED_BY_ATLAS = {"TABLE", "TYPE", "INDEX", "CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT", "DEFAULT"}  # fmt: skip
# Dropped together with the indexes, comments, privileges and so on that belong to them.
CONTAINERS = {
    "TABLE",
    "VIEW",
    "MATERIALIZED VIEW",
    "FUNCTION",
    "PROCEDURE",
    "EXTENSION",
    "DOMAIN",
    "POLICY",
}


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
    line = line.removesuffix(";").removesuffix(" WITH GRANT OPTION") + ";"
    return replace_outside_quotes(
        line, r"\b(?:GRANT|REVOKE|TO|FROM)\b", lambda word: words[word[0]]
    )


def validate_constraint_statement(change: Change, desired: Schema) -> str:
    """The statement that validates a NOT VALID constraint which stays; empty for any other change."""
    current = change.current
    if current is None or not current.create_sql.endswith(" NOT VALID;"):
        return ""
    alter, _, name = current.drop_sql.removesuffix(";").partition(" DROP CONSTRAINT IF EXISTS ")
    # A valid check is part of its table's statement.
    tables = [desired[label].create_sql for label in current.belongs_to if label in desired]
    stays = change.desired or any(f"CONSTRAINT {name} " in table for table in tables)
    alter = alter.replace("ALTER TABLE IF EXISTS ONLY ", "ALTER TABLE ")
    return f"{alter} VALIDATE CONSTRAINT {name};" if stays else ""


def is_planned_by_atlas(change: Change, desired: Schema) -> bool:
    """Whether Atlas plans this change; it does not plan the indexes of materialized views and the
    checks of domains, and is not asked about schemas that are to go."""
    obj = change.desired or change.current
    others = ("MATERIALIZED VIEW ", "DOMAIN ")
    of_other = obj and any(label.startswith(others) for label in obj.belongs_to)
    stays = change.schema == PUBLIC or f"SCHEMA {change.schema}" in desired
    return change.kind in PLANNED_BY_ATLAS and stays and not of_other
