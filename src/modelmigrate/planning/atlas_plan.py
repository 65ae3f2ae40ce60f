"""Tables and enums that stay, changed by the statements that Atlas plans."""

import re

from modelmigrate.atlas.commands import diff_databases
from modelmigrate.errors import MigrateError
from modelmigrate.planning.context import PlanContext
from modelmigrate.planning.dependents import execute_with_dependents
from modelmigrate.planning.enums import recreate_enums
from modelmigrate.planning.excerpt import excerpts
from modelmigrate.planning.kinds import PLANNED_BY_ATLAS, is_planned_by_atlas
from modelmigrate.planning.names import own_name
from modelmigrate.schema.catalog import names_to_escape
from modelmigrate.schema.diff import Change, Schema, SchemaObject, diff
from modelmigrate.schema.inheritance import parents_of
from modelmigrate.schema.namespaces import common_schemas
from modelmigrate.sql.alter import parse_alter_table
from modelmigrate.sql.names import IDENTIFIER, QUALIFIED, label_name, quote, split_name, unquote
from modelmigrate.sql.patterns import DEFERRABLE, INDEX_STATEMENT
from modelmigrate.sql.statements import shorten, split_parentheses, strip_comments

ALTER_TABLE = re.compile(rf"ALTER TABLE (?P<name>{QUALIFIED}) ")
CREATE_TABLE = re.compile(rf"CREATE TABLE (?P<name>{QUALIFIED}) \(")
# A primary key as `pg_dump` adds it. Not any other constraint, and not one in a string of a check.
PRIMARY_KEY = re.compile(
    rf"\AALTER TABLE ONLY {QUALIFIED}\s+ADD CONSTRAINT (?P<name>{IDENTIFIER}) PRIMARY KEY "
)
# A constraint as Atlas writes it in a table, or adds it; of a primary key, the name may be missing. Not a
# column that is called CONSTRAINT, which is in quotes.
CONSTRAINT = re.compile(rf"(?:ADD )?(?:CONSTRAINT (?P<name>{IDENTIFIER})\s|PRIMARY KEY )")

# What Atlas makes with a table or an enum; the sequence is that of an identity.
MADE_WITH_TABLES = {"COMMENT", "SEQUENCE"}


def apply_atlas_plan(context: PlanContext, *, trusted: bool = False) -> str:
    """Let Atlas change the tables and enums that stay; the reasons where it cannot, else nothing. Where it
    is trusted, what came of that is not looked at yet."""
    before, before_count = context.expected(), len(context.statements)
    changes = diff(context.desired, before)
    if not any(each.kind in PLANNED_BY_ATLAS for each in changes):
        return ""
    recreate_enums(context)
    changed_labels = {each.label for each in changes}
    sides = [side for each in changes for side in (each.current, each.desired) if side]
    changed_tables = changed_labels | {
        label for side in sides for label in side.belongs_to if side.kind != "DEFAULT"
    }
    try:
        with excerpts(context, changes) as urls:
            statements = diff_databases(
                *urls,
                common_schemas(context.expected(), context.desired),
                names_to_escape(
                    {context.current_url: context.expected(), context.desired_url: context.desired}
                ),
            )
    except MigrateError as error:
        return str(error)
    remaining = [
        with_named_key(context, each)
        for each in without_deferrable(context.desired, statements)
        if not is_formatting_only(each, changed_labels)
        and not is_inherited(each, context.desired, changed_tables)
    ]
    count = before_count + len(remaining)
    reasons: dict[str, str] = {}
    while remaining:
        reasons = {
            statement: reason
            for statement in remaining
            if (reason := execute_with_dependents(context, statement))
        }
        if len(reasons) == len(remaining):
            break
        remaining = list(reasons)
    # Where nothing else had to be dropped for it, and it was anything at all.
    if trusted and not reasons and before_count < len(context.statements) == count:
        presume_atlas_plan(context, before, changes)
    return "\n".join(f"{shorten(statement)}\n{reason}" for statement, reason in reasons.items())


def presume_atlas_plan(context: PlanContext, before: Schema, changes: list[Change]) -> None:
    """Take it that Atlas's plan has made what it was asked for, which spares a look; where something that it
    may have taken along was there, or a sequence is new that may be that of a serial column, that is not known."""
    made = [each for each in changes if is_planned_by_atlas(each, context.desired)]
    labels = {each.label for each in made}
    others = [each for each in changes if each.label not in labels]
    parts = [each for each in others if each.desired and labels & {*each.desired.belongs_to}]
    apart = [each for each in others if each not in parts]
    if any(each.current for each in others) or any("SEQUENCE" in each.kind for each in apart):
        return
    made += [each for each in parts if each.kind in MADE_WITH_TABLES]
    after = {label: obj for label, obj in before.items() if label not in labels}
    context.presume(after | {each.label: each.desired for each in made if each.desired})


def is_formatting_only(statement: str, changed_labels: set[str]) -> bool:
    """Whether Atlas would rebuild an index only because its condition is printed differently."""
    index = INDEX_STATEMENT.match(strip_comments(statement))
    if index is None:
        return False
    schema = split_name(index["table"] or index["name"])[0]
    name = f"{schema}.{index['name']}" if index["table"] and schema else index["name"]
    return f"INDEX {label_name(name)}" not in changed_labels


def is_inherited(statement: str, desired: Schema, changed_tables: set[str]) -> bool:
    """Whether Atlas would give a table what it has already from those that it inherits from."""
    altered = ALTER_TABLE.match(strip_comments(statement))
    table = desired.get(f"TABLE {label_name(altered['name'])}") if altered else None
    return bool(table and table.label not in changed_tables and parents_of(table))


def without_deferrable(desired: Schema, statements: list[str]) -> list[str]:
    """The statements without the constraints that are to be DEFERRABLE, which Atlas does not say: they are
    made once, by other statements."""
    late = [obj for obj in desired.values() if DEFERRABLE.search(obj.create_sql)]
    if not late:
        return statements
    return [*filter(None, (without_constraints(each, late) for each in statements))]


def without_constraints(statement: str, constraints: list[SchemaObject]) -> str:
    """A CREATE TABLE or an ALTER TABLE without those of these constraints that it makes; empty where nothing
    is left."""
    head, items, tail = split_parentheses(statement)
    created, alter = CREATE_TABLE.match(strip_comments(head)), parse_alter_table(statement)
    table = created["name"] if created else alter.table if alter else ""
    label = f"TABLE {label_name(table)}"
    others = [each for each in constraints if label in each.belongs_to]
    names = {unquote(own_name(each)[1]) for each in others}
    has_key = any(PRIMARY_KEY.search(each.create_sql) for each in others)

    def stays(item: str) -> bool:
        found = CONSTRAINT.match(item)
        return not found or not (unquote(found["name"]) in names if found["name"] else has_key)

    if created and others:
        kept = [f"  {item}" for item in items if stays(item)]
        return "\n".join([head, ",\n".join(kept), tail])
    if alter and others:
        comments = statement.removesuffix(strip_comments(statement))
        actions = [each for each in alter.actions if stays(each)]
        return comments + alter._replace(actions=actions).statement if actions else ""
    return statement


def with_named_key(context: PlanContext, statement: str) -> str:
    """A CREATE TABLE with the name of its primary key, which Atlas leaves out; any other statement as it
    is."""
    head, items, tail = split_parentheses(statement)
    created = CREATE_TABLE.match(strip_comments(head))
    if not created:
        return statement
    name = unquote(split_name(created["name"])[1])
    label = f"TABLE {label_name(created['name'])}"
    for obj in context.desired.values():
        key = PRIMARY_KEY.search(obj.create_sql) if label in obj.belongs_to else None
        if key and unquote(key["name"]) != f"{name}_pkey":
            named = f"CONSTRAINT {quote(unquote(key['name']))} PRIMARY KEY "
            parts = [
                named + item.removeprefix("PRIMARY KEY ")
                if item.startswith("PRIMARY KEY ")
                else item
                for item in items
            ]
            return "\n".join([head, ",\n".join(f"  {part}" for part in parts), tail])
    return statement
