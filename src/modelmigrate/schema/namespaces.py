"""Schemas of PostgreSQL: those that models have, and those that migrations by hand have to themselves.

A schema is the models' while they name it, and after that, if `create` has made it: its migration says
so in the words of Atlas. Whatever is in any other schema only migrations create, so it stays.
"""

import re
from collections.abc import Iterable

from modelmigrate.atlas.directory import Migration
from modelmigrate.schema.diff import Schema
from modelmigrate.sql.names import IDENTIFIER, unquote
from modelmigrate.sql.statements import split_statements, strip_comments

PUBLIC = "public"
MADE_FOR_MODELS = "-- Add new schema named "
CREATE_SCHEMA = re.compile(rf"CREATE SCHEMA (?:IF NOT EXISTS )?({IDENTIFIER})\s*;?\s*\Z")


def created_schema(statement: str) -> str:
    """The schema that a statement creates, unquoted; empty where it creates none."""
    found = CREATE_SCHEMA.match(strip_comments(statement))
    return unquote(found[1]) if found else ""


def schemas_of_models(ddl: str) -> set[str]:
    """The schemas that the models have now."""
    statements = split_statements(ddl) if "CREATE SCHEMA" in ddl else []
    return {PUBLIC, *filter(None, map(created_schema, statements))}


def schemas_made_for_models(migrations: Iterable[Migration]) -> set[str]:
    """The schemas that models had when a migration was created."""
    texts = [each.sql for each in migrations]
    statements = [
        each for text in texts if MADE_FOR_MODELS in text for each in split_statements(text)
    ]
    made = {created_schema(each) for each in statements if MADE_FOR_MODELS in each}
    return made - {""}


def tell_that_made_for_models(statements: list[str]) -> list[str]:
    """The statements of a new migration, with that said of each schema that they create."""
    return [
        f'{MADE_FOR_MODELS}"{name}"\n{each}' if (name := created_schema(each)) else each
        for each in statements
    ]


def common_schemas(one: Schema, other: Schema) -> set[str]:
    """The schemas with tables or types that both have."""
    used = {
        obj.schema
        for side in (one, other)
        for obj in side.values()
        if obj.kind in ("TABLE", "TYPE")
    }
    return {
        each for each in used if each == PUBLIC or f"SCHEMA {each}" in one.keys() & other.keys()
    }
