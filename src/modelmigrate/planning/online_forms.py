"""The actions of an ALTER TABLE in forms that block nobody for long: what they become at once, and in later
files."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg

from modelmigrate.planning.context import Apart, CannotPlanError
from modelmigrate.planning.names import not_null_names
from modelmigrate.planning.transactions import is_partitioned
from modelmigrate.postgres.execute import execute_all
from modelmigrate.schema.diff import Schema
from modelmigrate.sql.alter import ADD_CHECKED, ADD_KEY, SET_NOT_NULL, AlterTable, parse_alter_table
from modelmigrate.sql.names import label_name, label_part, quote, unquote, with_suffix
from modelmigrate.sql.patterns import INDEX_STATEMENT
from modelmigrate.sql.statements import shorten

NOT_NULL_NOT_VALID_SINCE = 180000  # the version of PostgreSQL
BESIDE = "_new"  # the end of an index's name, until the one that it replaces is dropped
IS_NOT_NULL = "_is_not_null"  # the end of a check's name, after that of its column
# A check that is valid and says that a column is not NULL: SET NOT NULL believes it, and reads nothing.
PROVES_NOT_NULL = """
    SELECT FROM pg_constraint
    WHERE conrelid = to_regclass(%s) AND contype = 'c' AND convalidated
        AND pg_get_constraintdef(oid) = format('CHECK ((%%I IS NOT NULL))', %s::text)"""
# A key: its name, the statement of its index, how it is made of one, and the columns that must not be NULL.
KEY = """
    SELECT conname, pg_get_indexdef(conindid),
           CASE contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END,
           concat(CASE WHEN condeferrable THEN ' DEFERRABLE' END,
                  CASE WHEN condeferred THEN ' INITIALLY DEFERRED' END),
           CASE contype WHEN 'p' THEN conkey END
    FROM pg_constraint WHERE conrelid = to_regclass(%(table)s)
        AND CASE WHEN %(name)s::text IS NULL THEN contype = 'p' ELSE conname = %(name)s END"""
NULLABLE = """
    SELECT quote_ident(attname) FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum = ANY (%s) AND NOT attnotnull"""
NAME_IS_TAKEN = """
    SELECT FROM pg_class WHERE relname = %s
        AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass(%s))"""


class Form(NamedTuple):
    """What a statement, or an action of an ALTER TABLE, becomes."""

    now: list[str]
    """Statements, or actions, in its place."""
    before: Sequence[str] = ()
    """Statements before that, such as the one that builds an index."""
    validations: Sequence[str] = ()
    """Statements of a later file."""
    afterwards: Sequence[str] = ()
    """Statements of the file after that."""
    replaced: Sequence[str] = ()
    """The labels of the indexes and keys that it drops, and that were held until now."""
    not_null: Sequence[str] = ()
    """Columns that have to be NOT NULL before."""


@dataclass
class OnlinePlan:
    """A plan on its way to another form, with the database that it is tried on."""

    connection: psycopg.Connection[Any]
    desired_url: str
    schema: Schema
    """What is there before and after: see `lasting`."""
    statements: list[str] = field(default_factory=list)
    """The plan so far, without what waits."""
    validations: list[str] = field(default_factory=list)
    afterwards: list[str] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    """Drops that wait for what replaces the index or the key, by its label."""
    ahead: list[str] = field(default_factory=list)
    """Statements of which the plan has a form already."""
    rewritten: set[str] = field(default_factory=set)
    """The tables that are rewritten, since a column changes its type."""

    def validate(self) -> None:
        """Validate what was added so far before anything else is done."""
        self.append([*map(Apart, self.validations), *self.afterwards])
        self.validations, self.afterwards = [], []

    def release(self) -> None:
        """Drop now what was to be dropped once it is replaced."""
        self.append([*self.held.values()])
        self.held = {}

    def append(self, statements: list[str]) -> None:
        """Run statements and add them to the plan.

        Raises:
            CannotPlanError: one of them fails.
        """
        if statements and not execute_all(self.connection, *statements):
            raise CannotPlanError(f"this fails: {shorten(statements[0])}")
        self.statements += statements


def online_form(plan: OnlinePlan, alter: AlterTable) -> Form:
    """An ALTER TABLE with each of its actions in the form that blocks nobody for long."""
    forms = [action_form(plan, alter, action) for action in alter.actions]
    actions = [action for form in forms for action in form.now]
    waits = ([each for form in forms for each in form[n]] for n in range(1, len(Form._fields)))
    return Form([alter._replace(actions=actions).statement], *waits)


def action_form(plan: OnlinePlan, alter: AlterTable, action: str) -> Form:
    """The form of an action; where there is no other one, its own."""
    for pattern, form_of in FORMS.items():
        if found := pattern.match(action):
            return form_of(plan, alter, found)
    return Form([action])


def checked_later(plan: OnlinePlan, alter: AlterTable, found: re.Match[str]) -> Form:
    """A check or a foreign key: it holds for new rows at once, and for those that are there once they
    were looked at."""
    form = not_valid(alter, found.string, found["constraint"])
    if is_partitioned(plan.schema[f"TABLE {label_name(alter.table)}"]):
        actions = [form.now[0] if each == found.string else each for each in alter.actions]
        if not takes(plan, alter._replace(actions=actions)):
            return Form([found.string])
    return form


def takes(plan: OnlinePlan, alter: AlterTable) -> bool:
    """Whether PostgreSQL takes a statement, which is taken back."""
    try:
        with plan.connection.transaction(force_rollback=True):
            plan.connection.execute(alter.statement.encode())
    except psycopg.Error:
        return False
    return True


def not_valid(alter: AlterTable, action: str, name: str) -> Form:
    """The form of an action that adds the constraint of this name."""
    validate = f"ALTER TABLE {alter.table} VALIDATE CONSTRAINT {name};"
    return Form([f"{action} NOT VALID"], validations=[validate])


def not_null_later(plan: OnlinePlan, alter: AlterTable, found: re.Match[str]) -> Form:
    """A NOT NULL: since PostgreSQL 18 a constraint like others; before that, a check that is there for as
    long as SET NOT NULL needs it for a proof."""
    column = unquote(found["column"])
    if plan.connection.execute(PROVES_NOT_NULL, [alter.table, column]).fetchall():
        return Form([found.string])
    if plan.connection.info.server_version >= NOT_NULL_NOT_VALID_SINCE:
        names = not_null_names(plan.desired_url, alter.table)
        for each, name in names.items():
            if unquote(each) == column:
                return not_valid(alter, f"ADD CONSTRAINT {name} NOT NULL {found['column']}", name)
    check = quote(with_suffix(column, IS_NOT_NULL))
    form = not_valid(alter, f"ADD CONSTRAINT {check} CHECK ({found['column']} IS NOT NULL)", check)
    proven = [
        alter._replace(actions=[each]).statement
        for each in (found.string, f"DROP CONSTRAINT {check}")
    ]
    return form._replace(afterwards=proven)


def from_index(plan: OnlinePlan, alter: AlterTable, found: re.Match[str]) -> Form:
    """A unique constraint or a primary key: it is made of an index that is built before, beside that of
    the key which it replaces."""
    if is_partitioned(plan.schema[f"TABLE {label_name(alter.table)}"]):
        return Form([found.string])
    if found["kind"] == "PRIMARY KEY":
        plan.validate()  # its columns are NOT NULL from then on
    label = constraint_label(alter, found["constraint"] or "")
    held = parse_alter_table(plan.held.get(label, ""))
    drops = held.actions if held else []
    planned = alter._replace(actions=[*drops, *alter.actions])
    if not (key := key_made_by(plan, planned, found["constraint"])):
        return Form([found.string])
    taken = plan.connection.execute(NAME_IS_TAKEN, [key.name, alter.table]).fetchall()
    index = quote(with_suffix(key.name, BESIDE) if taken else key.name)
    create = f"{renamed_index(key.create, index)};"
    made = f"ADD CONSTRAINT {quote(key.name)} {key.kind} USING INDEX {index}{key.deferrable}"
    return Form(
        [*drops, made],
        before=[create],
        replaced=[label] if held else [],
        not_null=nullable_columns(plan, alter, key),
    )


class Key(NamedTuple):
    """A unique constraint or a primary key, as the catalog has it: see KEY."""

    name: str
    create: str
    kind: str
    deferrable: str
    not_null: list[int] | None


def key_made_by(plan: OnlinePlan, alter: AlterTable, name: str | None) -> Key | None:
    """The key of this name that a statement makes, or its primary key; None where it cannot be run. It
    is taken back."""
    names = {"table": alter.table, "name": unquote(name) if name else None}
    try:
        with plan.connection.transaction(force_rollback=True):
            plan.connection.execute(alter.statement.encode())
            row = plan.connection.execute(KEY, names).fetchone()
    except psycopg.Error:
        return None
    return Key(*row) if row else None


def nullable_columns(plan: OnlinePlan, alter: AlterTable, key: Key) -> list[str]:
    """The columns of a primary key that are not NOT NULL yet."""
    found = plan.connection.execute(NULLABLE, [alter.table, key.not_null])
    return [column for (column,) in found]


def renamed_index(create: str, name: str) -> str:
    """A CREATE INDEX with another name."""
    index = INDEX_STATEMENT.match(create)
    return (
        f"{create[: index.start('name')]}{name}{create[index.end('name') :]}" if index else create
    )


def constraint_label(alter: AlterTable, name: str) -> str:
    """The label of a constraint of this table."""
    return f"CONSTRAINT {label_name(alter.table)} {label_part(unquote(name))}"


FORMS: dict[re.Pattern[str], Callable[[OnlinePlan, AlterTable, re.Match[str]], Form]] = {
    ADD_CHECKED: checked_later,
    SET_NOT_NULL: not_null_later,
    ADD_KEY: from_index,
}
