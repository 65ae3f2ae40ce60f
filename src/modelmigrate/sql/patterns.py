"""Regular expressions that read SQL; the comment at each ends with what it must not match."""

import re

from modelmigrate.sql.names import IDENTIFIER

# --- tables ---

# The first line of a CREATE TABLE, as `pg_dump` writes it. Not that of a foreign table, a type or any
# other object.
TABLE_HEAD = re.compile(r"CREATE (?:UNLOGGED )?TABLE (?P<name>.*) \(")
# A column's whole line in a CREATE TABLE. Not one with words after NOT NULL, such as COLLATE. The
# line of a constraint reads like a column named CONSTRAINT: do not ask for it.
COLUMN_DEFINITION = re.compile(
    rf"(?P<name>{IDENTIFIER}) (?P<type>.+?)(?: DEFAULT (?P<default>.+?))?"
    r"(?: GENERATED ALWAYS AS (?P<computed>\(.*\))(?P<stored> STORED)?)?(?: NOT NULL)?",
    re.DOTALL,
)
# The name of a NOT NULL constraint in a column's line. Not NOT NULL without a name, and not the name
# of a CHECK that begins with NOT NULL.
NOT_NULL_NAME = re.compile(rf" CONSTRAINT {IDENTIFIER} NOT NULL")

# --- expressions that PostgreSQL prints differently after it has read what it printed ---

# A string as an element of `x IN ('a', 'b')`. Not one of another type, such as text.
TEXT_LITERAL = r"'(?:[^']|'')*'::character varying"
# All of `x IN ('a', 'b')`, printed for the first time. Not an array with an element that is no such
# string, nor one that is cast to another type.
CAST_OF_TEXT_ARRAY = re.compile(rf"\(ARRAY\[((?:{TEXT_LITERAL}(?:, )?)+)\]\)::text\[\]")
# A number in quotes that is cast, as a default; the spaces after it too. Not any other string, nor a
# number that is no default.
QUOTED_NUMBER_DEFAULT = re.compile(r"DEFAULT '(-?[\d.]+)'::[a-z ]+")

# --- indexes ---

# The table or materialized view in a CREATE INDEX, as `pg_dump` writes it, to search for. Not the
# columns, nor anything in a DROP INDEX.
INDEX_TABLE = re.compile(r" ON (?:ONLY )?(?P<table>\S+) ")
# How a CREATE INDEX or DROP INDEX in the schema public begins, in the words of Atlas or `pg_dump`. Not
# REINDEX or ALTER INDEX. CONCURRENTLY reads like the index's name: remove it first.
INDEX_STATEMENT = re.compile(
    r"(?P<verb>CREATE (?:UNIQUE )?INDEX|DROP INDEX)(?: IF EXISTS)?"
    rf" (?:public\.)?(?P<name>{IDENTIFIER})"
    rf"(?: ON (?:ONLY )?(?:public\.)?(?P<table>{IDENTIFIER}))?"
)
# How a statement begins that must run outside a transaction. Not REINDEX or REFRESH CONCURRENTLY,
# which migrations by hand alone contain.
CONCURRENTLY = re.compile(r"(CREATE (UNIQUE )?|DROP )INDEX CONCURRENTLY ")

# --- other statements ---

# How a statement begins that adds a value to an enum. Not one that renames a value.
ADD_ENUM_VALUE = re.compile(r"ALTER TYPE .+? ADD VALUE ")
# Each table that a migration changes, without its schema public: a hint for people, since strings and
# bodies are searched, too. Not the tables that are read only, in FROM or REFERENCES, and not what
# follows ON UPDATE and FOR UPDATE.
CHANGED_TABLE = re.compile(
    r"""\b(?:TABLE|TRUNCATE|INSERT\s+INTO|DELETE\s+FROM|(?<!\bON\ )(?<!\bFOR\ )UPDATE
        |(?:INDEX|TRIGGER|POLICY)\s[^;(]*?\sON)
        \s+(?:IF\s+(?:NOT\s+)?EXISTS\s+|ONLY\s+)*(?:"?public"?\.)?"?(?P<name>\w+)""",
    re.IGNORECASE | re.VERBOSE,
)
