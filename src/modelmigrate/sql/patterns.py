"""Regular expressions that read SQL, each with what it must not match."""

import re

from modelmigrate.sql.names import IDENTIFIER

NOT_NULL_NAME = re.compile(rf" CONSTRAINT {IDENTIFIER} NOT NULL")
# How `x IN ('a', 'b')` is printed the first time, and how once that was read.
TEXT_LITERAL = r"'(?:[^']|'')*'::character varying"
CAST_OF_TEXT_ARRAY = re.compile(rf"\(ARRAY\[((?:{TEXT_LITERAL}(?:, )?)+)\]\)::text\[\]")
QUOTED_NUMBER_DEFAULT = re.compile(r"DEFAULT '(-?[\d.]+)'::[a-z ]+")
# In Atlas's words, or in those of `pg_dump`.
INDEX_STATEMENT = re.compile(
    r"(?P<verb>CREATE (?:UNIQUE )?INDEX|DROP INDEX)(?: IF EXISTS)?"
    rf" (?:public\.)?(?P<name>{IDENTIFIER})"
    rf"(?: ON (?:ONLY )?(?:public\.)?(?P<table>{IDENTIFIER}))?"
)
# A column's line in a CREATE TABLE.
COLUMN_DEFINITION = re.compile(
    rf"(?P<name>{IDENTIFIER}) (?P<type>.+?)(?: DEFAULT (?P<default>.+?))?"
    r"(?: GENERATED ALWAYS AS (?P<computed>\(.*\))(?P<stored> STORED)?)?(?: NOT NULL)?",
    re.DOTALL,
)
ADD_ENUM_VALUE = re.compile(r"ALTER TYPE .+? ADD VALUE ")
CONCURRENTLY = re.compile(r"(CREATE (UNIQUE )?|DROP )INDEX CONCURRENTLY ")
CHANGED_TABLE = re.compile(
    r"""\b(?:TABLE|TRUNCATE|INSERT\s+INTO|DELETE\s+FROM|(?<!\bON\ )(?<!\bFOR\ )UPDATE
        |(?:INDEX|TRIGGER|POLICY)\s[^;(]*?\sON)
        \s+(?:IF\s+(?:NOT\s+)?EXISTS\s+|ONLY\s+)*(?:"?public"?\.)?"?(?P<name>\w+)""",
    re.IGNORECASE | re.VERBOSE,
)
