"""Which statements share a transaction, and which run alone, outside of one."""

import re
from collections.abc import Iterator

from modelmigrate.planning.context import InTransaction
from modelmigrate.schema.declared import is_declared
from modelmigrate.schema.diff import Schema
from modelmigrate.sql.names import label_name
from modelmigrate.sql.patterns import INDEX_STATEMENT
from modelmigrate.sql.statements import split_statements, strip_comments


def split_by_transaction(statements: list[str], current: Schema) -> list[list[str]]:
    """The statements in groups, one for each migration file: those that share a transaction, and each
    of the others alone.

    Indexes of existing tables, which may be large and busy, are created and dropped CONCURRENTLY,
    which PostgreSQL does not allow in a transaction.
    """
    groups: list[list[str]] = []
    in_transaction = False
    for statement in single_statements(statements):
        index = INDEX_STATEMENT.match(strip_comments(statement))
        together = isinstance(statement, InTransaction)
        if index and not together and can_be_concurrent(index, current):
            verb = index["verb"]
            groups.append([statement.replace(verb, f"{verb} CONCURRENTLY", 1)])
            in_transaction = False
        elif in_transaction:
            groups[-1].append(statement)
        else:
            groups.append([statement])
            in_transaction = True
    return groups


def single_statements(statements: list[str]) -> Iterator[str]:
    """The statements one by one; some come in twos, such as an index and what a table uses it for."""
    for statement in statements:
        yield from (
            [statement] if isinstance(statement, InTransaction) else split_statements(statement)
        )


def can_be_concurrent(index: re.Match[str], current: Schema) -> bool:
    """Whether an INDEX_STATEMENT is for a table that exists and is not partitioned. A new table's
    indexes are created with it, while it is empty."""
    if index["table"] is None:  # DROP INDEX
        obj = current.get(f"INDEX {label_name(index['name'])}")
        return (
            obj is not None
            and " ON ONLY " not in obj.create_sql
            and not is_declared(obj)  # the index of a materialized view
        )
    table = current.get(f"TABLE {label_name(index['table'])}")
    return table is not None and "\nPARTITION BY " not in table.create_sql


def with_delimiter(statements: list[str]) -> str:
    """The text of a file in which every edition of Atlas finds these statements. Some editions end a
    statement at each semicolon outside quotes, even inside a BEGIN ATOMIC body; there, a delimiter
    that no statement contains says where they end."""
    text = "\n".join(statements)
    if "BEGIN ATOMIC" not in text:
        return f"{text}\n"
    end = "-- end of statement" if "\n\n\n" in text else "\n\n\n"
    return "\n".join(
        [f"-- atlas:delimiter {end!r}".replace("'", ""), "", f"{end}\n".join(statements), ""]
    )
