"""Which statements share a transaction, and which run alone, outside of one."""

import re
from collections.abc import Iterator

from modelmigrate.planning.context import Apart, InTransaction
from modelmigrate.schema.diff import Schema, SchemaObject
from modelmigrate.sql.alter import RENAME, SET_SCHEMA, parse_alter_table
from modelmigrate.sql.names import label_name, split_name
from modelmigrate.sql.patterns import CREATED, INDEX_STATEMENT
from modelmigrate.sql.statements import split_statements, strip_comments


def split_by_transaction(statements: list[str], current: Schema) -> list[list[str]]:
    """The statements in groups, one for each migration file: those that share a transaction, and each
    of the others alone.

    Indexes of existing tables, which may be large and busy, are created and dropped CONCURRENTLY,
    which PostgreSQL does not allow in a transaction.
    """
    groups: list[list[str]] = []
    last: type[str] | None = None  # of the transaction that the next statement may share
    schema = lasting(current, statements)
    for statement in single_statements(statements):
        index = INDEX_STATEMENT.match(strip_comments(statement))
        together = isinstance(statement, InTransaction)
        kind = Apart if isinstance(statement, Apart) else str
        if index and not together and can_be_concurrent(index, schema):
            verb = index["verb"]
            groups.append([statement.replace(verb, f"{verb} CONCURRENTLY", 1)])
            last = None
        elif last is kind:
            groups[-1].append(statement)
        else:
            groups.append([statement])
            last = kind
    return groups


def single_statements(statements: list[str]) -> Iterator[str]:
    """The statements one by one; some come in twos, such as an index and what a table uses it for."""
    for statement in statements:
        yield from (
            [statement]
            if isinstance(statement, InTransaction | Apart)
            else split_statements(statement)
        )


def lasting(current: Schema, statements: list[str]) -> Schema:
    """The current schema, where a table is found by the name that one of the statements gives it, too;
    without the materialized views that they create anew."""
    schema = {**current}
    for statement in statements:
        if created := CREATED.match(strip_comments(statement)):
            schema.pop(f"MATERIALIZED VIEW {label_name(created['name'])}", None)
        elif alter := parse_alter_table(statement):
            namespace, name = split_name(alter.table)
            if renamed := RENAME.match(alter.actions[0]):
                name = renamed["name"]
            elif moved := SET_SCHEMA.match(alter.actions[0]):
                namespace = moved["schema"]
            table = schema.get(f"TABLE {label_name(alter.table)}")
            if table:
                label = label_name(f"{namespace}.{name}" if namespace else name)
                schema[f"TABLE {label}"] = table
    return schema


def can_be_concurrent(index: re.Match[str], schema: Schema) -> bool:
    """Whether an INDEX_STATEMENT is for a table or a materialized view that is there before and after,
    as `lasting` has it, and is not partitioned. A new one's indexes are created with it, while it is
    empty or nobody reads it."""
    if index["table"] is None:  # DROP INDEX
        obj = schema.get(f"INDEX {label_name(index['name'])}")
        return bool(obj and " ON ONLY " not in obj.create_sql and {*obj.belongs_to} <= {*schema})
    label = label_name(index["table"])
    relation = schema.get(f"TABLE {label}") or schema.get(f"MATERIALIZED VIEW {label}")
    return relation is not None and not is_partitioned(relation)


def is_partitioned(relation: SchemaObject) -> bool:
    """Whether a table has partitions instead of rows."""
    return "\nPARTITION BY " in relation.create_sql


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
