"""Plans for a service that is in use: what reads a whole table, or builds an index of it, does so while
others read and write.

A statement that would block them for as long becomes several: short ones, and others that do the work under
locks that block nobody. Each form is tried on a clone of the current state. What PostgreSQL refuses there,
such as NOT VALID for a foreign key of a partitioned table before version 18, stays as it was planned; so does
what is done with new tables, which nobody uses yet.
"""

import re
from collections.abc import Sequence
from contextlib import closing

from modelmigrate.planning.context import CannotPlanError, InTransaction
from modelmigrate.planning.expand_contract import with_advice
from modelmigrate.planning.online_forms import (
    BESIDE,
    Form,
    OnlinePlan,
    constraint_label,
    online_form,
    renamed_index,
)
from modelmigrate.planning.transactions import (
    can_be_concurrent,
    is_partitioned,
    lasting,
    single_statements,
)
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.execute import execute_all
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.sql.alter import (
    ADD_CHECKED,
    ADD_IDENTITY,
    ADD_KEY,
    ADD_OR_ALTER_COLUMN,
    CHANGE_TYPE,
    DROP_CONSTRAINT,
    RENAME_CONSTRAINT,
    SET_NOT_NULL,
    AlterTable,
    parse_alter_table,
)
from modelmigrate.sql.names import label_name, quote, split_name, unquote, with_suffix
from modelmigrate.sql.patterns import INDEX_STATEMENT
from modelmigrate.sql.statements import shorten, strip_comments

FILE_NODE = "SELECT pg_relation_filenode(to_regclass(%s))"
CONSTRAINT = "SELECT FROM pg_constraint WHERE conrelid = to_regclass(%s) AND conname = %s"


def make_online(
    statements: list[str],
    current_url: str,
    current: Schema,
    desired_url: str,
    result: Schema,
    *,
    in_halves: bool = False,
) -> list[str]:
    """A plan in forms that block nobody for long, as far as there are such; with comments where there are
    none, unless it is one of two halves. It leads from the scratch database `current_url`, which has the schema `current`, to the schema
    `result`; names are those of the scratch database `desired_url`."""
    planned = [*single_statements(statements)]
    if not any(each.kind in ("TABLE", "MATERIALIZED VIEW") for each in current.values()):
        return planned  # nobody is there to be blocked
    schema = lasting(current, planned)

    def advised(plan: list[str], rewritten: set[str]) -> list[str]:
        return plan if in_halves else with_advice(plan, schema, rewritten)

    if not may_block(planned, schema):
        return advised(planned, set())
    with scratch_database(current_url) as url:
        with closing(connect(url, check_function_bodies="off")) as connection:
            plan = OnlinePlan(connection, desired_url, schema)
            is_tried = try_all(plan, planned)
        changed = is_tried and plan.statements != planned
        if not is_tried or (changed and diff(result, read_schema(url))):
            return advised(planned, plan.rewritten)
    return advised(plan.statements, plan.rewritten)


def try_all(plan: OnlinePlan, statements: list[str]) -> bool:
    """Add statements to the plan; whether that was possible."""
    try:
        for number, statement in enumerate(statements, 1):
            add(plan, statement, statements[number:])
        plan.release()
        plan.validate()
    except CannotPlanError:
        return False
    return True


def may_block(statements: list[str], schema: Schema) -> bool:
    """Whether any of these reads or rewrites a table that is there, or replaces an index of it."""
    made = {label for each in statements for label in made_labels(each, schema)}
    patterns = (ADD_CHECKED, ADD_KEY, SET_NOT_NULL, CHANGE_TYPE)
    actions = [
        action
        for each in statements
        if (alter := alter_of_lasting(each, schema))
        for action in alter.actions
    ]
    return any(pattern.match(action) for pattern in patterns for action in actions) or not (
        made.isdisjoint(filter(None, (dropped_label(each, schema) for each in statements)))
    )


def alter_of_lasting(statement: str, schema: Schema) -> AlterTable | None:
    """An ALTER TABLE of a table that is there before and after; None for any other statement."""
    alter = parse_alter_table(statement)
    return alter if alter and f"TABLE {label_name(alter.table)}" in schema else None


def dropped_label(statement: str, schema: Schema) -> str:
    """The label of the one index or constraint that a statement drops, of a table that is there before
    and after; empty for any other statement."""
    if index := INDEX_STATEMENT.match(strip_comments(statement)):
        return "" if index["table"] else index_label(index, schema)
    alter = alter_of_lasting(statement, schema)
    drop = DROP_CONSTRAINT.match(alter.actions[0]) if alter and len(alter.actions) == 1 else None
    return constraint_label(alter, drop["constraint"]) if alter and drop else ""


def made_labels(statement: str, schema: Schema) -> list[str]:
    """The labels of the indexes and keys that a statement gives to tables that are there."""
    if index := INDEX_STATEMENT.match(strip_comments(statement)):
        return [index_label(index, schema)] if index["table"] else []
    alter = alter_of_lasting(statement, schema)
    keys = map(ADD_KEY.match, alter.actions) if alter else []
    return [constraint_label(alter, key["constraint"]) for key in keys if alter and key and key[1]]


def index_label(index: re.Match[str], schema: Schema) -> str:
    """The label of an index that is created or dropped CONCURRENTLY; empty for any other."""
    name = beside(index["table"] or index["name"], split_name(index["name"])[1])
    return f"INDEX {label_name(name)}" if can_be_concurrent(index, schema) else ""


def beside(table: str, name: str) -> str:
    """The name of what is in the schema of a table, as SQL has it."""
    schema, _ = split_name(table)
    return f"{schema}.{name}" if schema else name


def add(plan: OnlinePlan, statement: str, rest: Sequence[str] = ()) -> None:
    """Add the next statement to the plan, in the best form that PostgreSQL takes; `rest` are those that
    follow.

    Raises:
        CannotPlanError: it takes none.
    """
    alter = alter_of_lasting(statement, plan.schema)
    node = file_node(plan, alter)
    dropped = dropped_label(statement, plan.schema)
    makers = [
        each
        for each in rest
        if dropped and dropped in made_labels(each, plan.schema)
        if not isinstance(each, InTransaction)
    ]
    if isinstance(statement, InTransaction):
        run(plan, Form([statement]))
    elif makers:
        plan.held[dropped] = statement
        swap = swapped(plan, makers[0])
        if swap.replaced and take(plan, swap):
            plan.ahead.append(makers[0])
    elif statement in plan.ahead or (alter and is_named_already(plan, alter)):
        return
    elif alter is None:
        run(plan, swapped(plan, statement), Form([statement]))
    else:
        comments = statement.removesuffix(strip_comments(statement))
        for part in parts_of(alter, plan.schema):
            form = online_form(plan, part)
            for column in form.not_null:
                set_not_null = part._replace(actions=[f"ALTER COLUMN {column} SET NOT NULL"])
                add(plan, set_not_null.statement)
            if form.not_null:
                plan.validate()
            now = [comments + each for each in form.now]
            run(plan, form._replace(now=now), Form([comments + part.statement]))
            comments = ""
    if alter and file_node(plan, alter) != node:
        plan.rewritten.add(alter.table)


def run(plan: OnlinePlan, *forms: Form) -> None:
    """Run the first of these forms that PostgreSQL takes; where it takes none, after what waits.

    Raises:
        CannotPlanError: not even then.
    """
    for prepare in (None, plan.validate, plan.release):
        if prepare:
            prepare()
        if any(take(plan, form) for form in forms):
            return
    raise CannotPlanError(f"this fails: {shorten(forms[-1].now[0])}")


def take(plan: OnlinePlan, form: Form) -> bool:
    """Run a form and add it to the plan; whether PostgreSQL takes it."""
    statements = [*form.before, *form.now]
    if not execute_all(plan.connection, *statements):
        return False
    plan.statements += statements
    plan.validations += form.validations
    plan.afterwards += form.afterwards
    for label in form.replaced:
        del plan.held[label]
    return True


def is_named_already(plan: OnlinePlan, alter: AlterTable) -> bool:
    """Whether it only renames a constraint that was added with its new name."""
    rename = RENAME_CONSTRAINT.match(alter.actions[0])
    names = [alter.table, unquote(rename["constraint"])] if rename else []
    return bool(names) and not plan.connection.execute(CONSTRAINT, names).fetchall()


def swapped(plan: OnlinePlan, statement: str) -> Form:
    """A CREATE INDEX that replaces another index of its name: it is built beside that one, and gets its
    name in the end. Any other statement as it is."""
    code = strip_comments(statement)
    index = INDEX_STATEMENT.match(code)
    label = index_label(index, plan.schema) if index else ""
    if index is None or label not in plan.held:
        return Form([statement])
    name = unquote(index["name"])
    new = quote(with_suffix(name, BESIDE))
    create = statement.removesuffix(code) + renamed_index(code, new)
    place = beside(index["table"].removeprefix("public."), new)
    rename = f"ALTER INDEX {place} RENAME TO {quote(name)};"
    return Form([create, plan.held[label], rename], replaced=[label])


def parts_of(alter: AlterTable, schema: Schema) -> list[AlterTable]:
    """An ALTER TABLE in two, where its constraints have to wait: for an index, or for columns that must
    not be NULL."""
    columns = [
        action
        for action in alter.actions
        if ADD_OR_ALTER_COLUMN.match(action) and not ADD_IDENTITY.match(action)
    ]
    others = [action for action in alter.actions if action not in columns]
    has_index = not is_partitioned(schema[f"TABLE {label_name(alter.table)}"])
    has_not_null = any(map(SET_NOT_NULL.match, columns))
    waits = [ADD_KEY] * has_index + [ADD_KEY, DROP_CONSTRAINT, ADD_IDENTITY] * has_not_null
    if columns and any(pattern.match(action) for pattern in waits for action in others):
        return [alter._replace(actions=columns), alter._replace(actions=others)]
    return [alter]


def file_node(plan: OnlinePlan, alter: AlterTable | None) -> int:
    """The file of a table that changes the type of a column, since what rewrites it gives it a new one;
    0 for any other statement."""
    if not alter or not any(map(CHANGE_TYPE.match, alter.actions)):
        return 0
    [(node,)] = plan.connection.execute(FILE_NODE, [alter.table]).fetchall()
    return int(node or 0)
