"""Which statements share a transaction, and which run alone, outside of one."""

import re

from modelmigrate.schema.declared import is_declared
from modelmigrate.schema.diff import Schema
from modelmigrate.sql.names import unquote
from modelmigrate.sql.patterns import INDEX_STATEMENT
from modelmigrate.sql.statements import strip_comments


def split_by_transaction(statements: list[str], before: Schema) -> list[list[str]]:
    """The statements of each file: what can run in one transaction together, the rest alone.

    Indexes of tables that are there already, and perhaps large and busy, are made and dropped
    CONCURRENTLY, which no transaction allows.
    """
    pieces: list[list[str]] = []
    together = False
    for statement in statements:
        found = INDEX_STATEMENT.match(strip_comments(statement))
        if found and can_be_concurrent(found, before):
            verb = found["verb"]
            pieces.append([statement.replace(verb, f"{verb} CONCURRENTLY", 1)])
            together = False
        elif together:
            pieces[-1].append(statement)
        else:
            pieces.append([statement])
            together = True
    return pieces


def can_be_concurrent(index: re.Match[str], before: Schema) -> bool:
    """Not for the indexes of new tables, which are empty, nor of partitioned ones."""
    if index["table"] is None:
        old = before.get(f"INDEX public.{unquote(index['name'])}")
        return (
            old is not None
            and " ON ONLY " not in old.create_sql
            and not is_declared(old, before)  # the index of a materialized view
        )
    table = before.get(f"TABLE public.{unquote(index['table'])}")
    return table is not None and "\nPARTITION BY " not in table.create_sql


def with_delimiter(statements: list[str]) -> str:
    """The text of a file in which every edition of Atlas finds these statements: some would take
    each semicolon of a body outside quotes for the end."""
    text = "\n".join(statements)
    if "BEGIN ATOMIC" not in text:
        return f"{text}\n"
    end = "-- end of statement" if "\n\n\n" in text else "\n\n\n"
    return "\n".join(
        [f"-- atlas:delimiter {end!r}".replace("'", ""), "", f"{end}\n".join(statements), ""]
    )
