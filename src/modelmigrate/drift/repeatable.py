"""Statements in a form for databases of which some have their change already, made by hand."""

import re

from modelmigrate.sql.statements import replace_outside_quotes, strip_comments

# Forms that do nothing on a database where the change was made by hand.
IF_EXISTS_FORMS = {
    "(ADD (?:COLUMN|VALUE) )": r"\1IF NOT EXISTS ",
    "(CREATE (?:(?:UNIQUE )?INDEX|TABLE|SEQUENCE|SCHEMA|STATISTICS) )": r"\1IF NOT EXISTS ",
    "(DROP (?:ATTRIBUTE|COLUMN|CONSTRAINT|DOMAIN|INDEX|TABLE|TYPE) )": r"\1IF EXISTS ",
}
UNSAFE_TO_REPEAT = re.compile(r"\b(ADD (?!COLUMN)|ATTACH|DETACH|OWNER TO|RENAME)")
# What other statements fail with where they were run already.
ERRORS_WHERE_DONE = {
    " DETACH PARTITION ": "undefined_table",
    " ADD ATTRIBUTE ": "duplicate_column",
    " RENAME ATTRIBUTE ": "undefined_column",
    " RENAME COLUMN ": "undefined_column",
    " RENAME VALUE ": "invalid_parameter_value",
}
GUARD_BLOCK = """DO $adopt$ BEGIN
  %s
EXCEPTION
  WHEN duplicate_object OR duplicate_table OR duplicate_function OR duplicate_schema
    OR invalid_table_definition OR wrong_object_type OR object_not_in_prerequisite_state
    THEN NULL; -- done already
  WHEN undefined_object THEN RAISE NOTICE 'left out: %', SQLERRM;
END $adopt$;"""
ALL_OR_NOTHING = """DO $adopt$ BEGIN
  %s
EXCEPTION
  WHEN duplicate_object OR duplicate_table OR duplicate_column OR duplicate_function OR duplicate_schema
    OR undefined_object OR undefined_table OR undefined_column OR undefined_function
    OR invalid_table_definition OR invalid_object_definition OR wrong_object_type
    OR object_not_in_prerequisite_state OR dependent_objects_still_exist OR invalid_parameter_value
    THEN RAISE NOTICE 'done already: %', SQLERRM;
END $adopt$;"""


def one_by_one(statements: list[str]) -> list[str]:
    """Each statement in a form that does no harm where its change was made already."""
    return [_repeatable(each) for each in statements]


def all_or_none(statements: list[str]) -> list[str]:
    """The statements as one that leaves a database as it is where they cannot all be run: where their
    change was made already, one of them fails."""
    return [ALL_OR_NOTHING.replace("%s", "\n  ".join(map(_in_block, statements)), 1)]


def _repeatable(statement: str) -> str:
    for words in IF_EXISTS_FORMS:
        statement = replace_outside_quotes(statement, rf"\b{words}(?!IF )", IF_EXISTS_FORMS[words])
    code = strip_comments(statement)
    safe = re.match(r"CREATE OR REPLACE|CREATE .*? IF NOT EXISTS|DROP|COMMENT", code)
    harmless = code.startswith("ALTER TABLE") and not UNSAFE_TO_REPEAT.search(code)
    if (safe or harmless) and "BEGIN ATOMIC" not in code:
        return statement
    block = GUARD_BLOCK
    for words, error in ERRORS_WHERE_DONE.items():
        if words in code:
            block = GUARD_BLOCK.replace("duplicate_table", error)
    return block.replace("%s", _in_block(statement), 1)


def _in_block(statement: str) -> str:
    # There, a SELECT has to say that nobody wants its result.
    return re.sub(r"\ASELECT ", "PERFORM ", strip_comments(statement))
