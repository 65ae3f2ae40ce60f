"""Regular expressions that read SQL; the comment at each ends with what it must not match."""

import re

from modelmigrate.sql.names import QUALIFIED

# --- tables ---

# The name that PostgreSQL 18 gives to a NOT NULL constraint by itself, and keeps when the table or the
# column is renamed; older versions have none, so that nothing may depend on it. Not a name that somebody
# chose, unless it ends in the same way.
AUTOMATIC_NOT_NULL_NAME = re.compile(
    r""" CONSTRAINT (?:[^\W\d][\w$]*_not_null\d*|"(?:[^"]|"")*_not_null\d*") NOT NULL"""
)

# A default that was written as a string for a type that PostgreSQL does not print bare: Atlas writes the
# number. Not a string for a text, nor 1.5 for a numeric.
QUOTED_NUMBER = re.compile(
    r" DEFAULT '-?\d+'::(?:bigint|double precision|numeric|real|smallint)\b(?!\[)"
)

# The end of a constraint that may be looked at late, as `pg_dump` writes it. Not a string in a check.
DEFERRABLE = re.compile(r" DEFERRABLE(?P<when> INITIALLY DEFERRED)?(?=(?: NOT VALID)?;\Z)")

# --- indexes ---

# How a CREATE INDEX or DROP INDEX begins, in the words of Atlas or `pg_dump`; a new index has no schema,
# but that of its table. Not REINDEX or ALTER INDEX. CONCURRENTLY reads like the index's name: remove it
# first.
INDEX_STATEMENT = re.compile(
    r"(?P<verb>CREATE (?:UNIQUE )?INDEX|DROP INDEX)(?: IF EXISTS)?"
    rf" (?P<name>{QUALIFIED})(?: ON (?:ONLY )?(?P<table>{QUALIFIED}))?"
)
# How a statement begins that must run outside a transaction. Not REINDEX or REFRESH CONCURRENTLY,
# which migrations by hand alone contain.
CONCURRENTLY = re.compile(r"(CREATE (UNIQUE )?|DROP )INDEX CONCURRENTLY ")
# What a statement of a plan has in it that takes anything away from older programs, and others, too. None
# that only adds has it outside quotes: most plans need no closer look.
TAKES_AWAY = re.compile(r"\b(?:DROP|REVOKE|ENABLE|DISABLE)\b")

# --- other statements ---

# How a statement begins that creates something with a name, which others may need. Not a trigger, a rule
# or an index, which nothing needs.
CREATED = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+|UNLOGGED\s+|FOREIGN\s+|RECURSIVE\s+|MATERIALIZED\s+)*"
    r"(?P<kind>AGGREGATE|COLLATION|DOMAIN|EXTENSION|FUNCTION|PROCEDURE|SCHEMA|SEQUENCE|TABLE|TYPE|VIEW)"
    rf"\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>{QUALIFIED})",
    re.IGNORECASE,
)
# How a statement begins that adds a value to an enum. Not one that renames a value.
ADD_ENUM_VALUE = re.compile(r"ALTER TYPE .+? ADD VALUE ")
# Each table that a migration changes: a hint for people, since strings and bodies are searched, too. Not
# the tables that are read only, in FROM or REFERENCES, and not what follows ON UPDATE and FOR UPDATE.
CHANGED_TABLE = re.compile(
    r"""\b(?:TABLE|TRUNCATE|INSERT\s+INTO|DELETE\s+FROM|(?<!\bON\ )(?<!\bFOR\ )UPDATE
        |(?:INDEX|TRIGGER|POLICY)\s[^;(]*?\sON)
        \s+(?:IF\s+(?:NOT\s+)?EXISTS\s+|ONLY\s+)*(?P<name>"""
    + QUALIFIED
    + ")",
    re.IGNORECASE | re.VERBOSE,
)
