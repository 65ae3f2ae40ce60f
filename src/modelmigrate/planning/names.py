"""Objects that differ in their name alone are renamed, never dropped and recreated."""

import re
from contextlib import closing

from modelmigrate.planning.context import PlanContext
from modelmigrate.postgres.connection import connect
from modelmigrate.schema.catalog import CatalogObjects
from modelmigrate.schema.diff import Change, SchemaObject, diff
from modelmigrate.schema.table import split_table
from modelmigrate.sql.names import IDENTIFIER, literal, quote, split_name, unquote, with_suffix
from modelmigrate.sql.patterns import AUTOMATIC_NOT_NULL_NAME

# How each kind of catalog object is renamed, tables and types before what is in them.
RENAME_FORMS = {
    "relation": "ALTER {type_name} {parent} RENAME TO {new};",
    "type": "ALTER TYPE {parent} RENAME TO {new};",
    "column": "ALTER TABLE {parent} RENAME COLUMN {old} TO {new};",
    "constraint": "ALTER TABLE {parent} RENAME CONSTRAINT {old} TO {new};",
    "value": "ALTER TYPE {parent} RENAME VALUE {old} TO {new};",
}
# The name in a CREATE INDEX, an ADD CONSTRAINT, or at the beginning of a constraint in a CREATE TABLE.
# Not that of a table, unless it is called INDEX or CONSTRAINT and stands before.
OWN_NAME = re.compile(rf"(^CREATE (?:UNIQUE )?INDEX|^CONSTRAINT|\bADD CONSTRAINT) ({IDENTIFIER}) ")
NOT_NULL_NAMES = """
    SELECT quote_ident(attname), quote_ident(conname)
    FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
    WHERE contype = 'n' AND conrelid = to_regclass(%s)"""
Key = tuple[str, int, int]


# --- from the catalog: what was renamed or moved since the state was cloned? ---


class Names:
    """What the objects of a database are called while they are renamed one after the other."""

    def __init__(self, objects: CatalogObjects) -> None:
        self.objects = objects
        self.names = {key: obj.name for key, obj in objects.items()}
        self.schemas = {
            key: split_name(obj.parent)[0]
            for key, obj in objects.items()
            if obj.kind in ("relation", "type")
        }
        owners = {objects[key].parent: key for key in self.schemas}
        self.owners = {key: owners.get(obj.parent) for key, obj in objects.items()}
        self.statements: list[str] = []

    def qualified(self, key: Key) -> str:
        """The name of a table or type, with its schema."""
        return f"{self.schemas[key]}.{self.names[key]}"

    def place(self, key: Key, name: str) -> tuple[object, ...]:
        """Where no two objects may have the same name."""
        return key[0], self.schemas.get(key) or self.owners[key], name

    def move(self, key: Key, schema: str) -> None:
        """Move a table or a type to another schema."""
        if self.schemas[key] != schema:
            obj = self.objects[key]
            kind = obj.type_name if obj.kind == "relation" else "TYPE"
            self.statements.append(f"ALTER {kind} {self.qualified(key)} SET SCHEMA {schema};")
            self.schemas[key] = schema

    def rename(self, key: Key, new: str) -> None:
        """Rename an object; one that has this name already gets another one first."""
        place = self.place(key, new)
        for other, name in list(self.names.items()):
            if other != key and self.place(other, name) == place:
                self._write(other, quote_like(name, with_suffix(bare(name), "_before")))
        self._write(key, new)

    def _write(self, key: Key, new: str) -> None:
        obj = self.objects[key]
        owner = key if key in self.schemas else self.owners[key]
        parent = self.qualified(owner) if owner else obj.parent
        form = RENAME_FORMS[obj.kind]
        self.statements.append(
            form.format(type_name=obj.type_name, parent=parent, old=self.names[key], new=new)
        )
        self.names[key] = new


def quote_like(name: str, new: str) -> str:
    """A new name in the quotes that the old one has: those of a value, or of an object."""
    return literal(new) if name.startswith("'") else quote(new)


def bare(name: str) -> str:
    """A name without its quotes, or a value without its own."""
    return name[1:-1].replace("''", "'") if name.startswith("'") else unquote(name)


def restore_names(current: CatalogObjects, desired: CatalogObjects) -> list[str]:
    """The statements that give every object of the current state, a clone of the desired one, the name
    that it has there. A name that is in use is made free first, so that two may change theirs."""
    names, kinds = Names(current), list(RENAME_FORMS)
    # An index or a sequence goes to the other schema with its table.
    for key in sorted(names.schemas, key=lambda key: current[key].type_name != "TABLE"):
        original = desired.get(key)
        if original and current[key].type_name not in ("INDEX", "SEQUENCE"):
            names.move(key, split_name(original.parent)[0])
    for key in sorted(current, key=lambda key: kinds.index(key[0])):
        original = desired.get(key)
        if original and original.name != names.names[key] and not original.inherited:
            names.rename(key, original.name)
    return names.statements


# --- from the definitions: which removal and addition differ in the name alone? ---


def rename_what_is_the_same(context: PlanContext) -> None:
    """Rename the indexes and constraints that differ in their name alone from one that is desired: to
    recreate them would lock the table for as long as it takes to read it."""
    changes = diff(context.desired, context.expected())
    removed = [each.current for each in changes if each.current and not each.desired]
    added = [each.desired for each in changes if each.desired and not each.current]
    for old, new in pairs_but_for_their_names(removed, added):
        name, new_name = (quote(unquote(own_name(each)[1])) for each in (old, new))
        schema, _ = split_name(old.quoted_name)
        context.try_execute(
            f"ALTER INDEX {'' if schema == 'public' else f'{schema}.'}{name} RENAME TO {new_name};"
            if old.kind == "INDEX"
            else f"{alter_of(old)} RENAME CONSTRAINT {name} TO {new_name};"
        )
    for change in changes:
        if change.kind == "TABLE" and change.desired and change.current:
            for statement in rename_inline_constraints(context, change):
                context.try_execute(statement)


def pairs_but_for_their_names(
    removed: list[SchemaObject], added: list[SchemaObject]
) -> list[tuple[SchemaObject, SchemaObject]]:
    """Each removed index or constraint with an added one of the same definition."""
    waiting = [each for each in added if own_name(each)[1]]
    pairs = []
    for old in removed:
        for new in waiting:
            if own_name(old)[1] and own_name(old)[0] == own_name(new)[0] and old.kind == new.kind:
                pairs.append((old, new))
                waiting.remove(new)
                break
    return pairs


def own_name(obj: SchemaObject) -> tuple[str, str]:
    """The definition of an index or constraint without its name, and the name; no name for others."""
    if obj.kind != "INDEX" and "CONSTRAINT" not in obj.kind:
        return obj.create_sql, ""
    found = OWN_NAME.search(obj.create_sql)
    return (OWN_NAME.sub(r"\1 ", obj.create_sql, count=1), found[2]) if found else ("", "")


def alter_of(constraint: SchemaObject) -> str:
    """The ALTER TABLE of the table that a constraint is on."""
    alter = constraint.drop_sql.partition(" DROP CONSTRAINT ")[0]
    return alter.replace("ALTER TABLE IF EXISTS ONLY ", "ALTER TABLE ")


def rename_inline_constraints(context: PlanContext, change: Change) -> list[str]:
    """The renames of checks, and of NOT NULLs that somebody gave a name to."""
    current, desired = change.current, change.desired
    if current is None or desired is None:
        return []
    (_, items, _), (_, desired_items, _) = (
        split_table(each.create_sql) for each in (current, desired)
    )
    checks, desired_checks = (
        {
            OWN_NAME.sub("", each, count=1): OWN_NAME.match(each)
            for each in side
            if each not in other
        }
        for side, other in ((items, desired_items), (desired_items, items))
    )
    renames = {
        old[2]: new[2]
        for text, old in checks.items()
        if old and (new := desired_checks.get(text)) and old[2] != new[2]
    }
    if any(" CONSTRAINT " in each for each in {*items} ^ {*desired_items}):
        names, desired_names = (
            not_null_names(*each)
            for each in (
                (context.current_url, current.quoted_name),
                (context.desired_url, desired.quoted_name),
            )
        )
        automatic = {
            each
            for each in (*names.values(), *desired_names.values())
            if AUTOMATIC_NOT_NULL_NAME.fullmatch(f" CONSTRAINT {each} NOT NULL")
        }
        renames |= {
            name: desired_names[column]
            for column, name in names.items()
            if desired_names.get(column, name) != name
            and not (name in automatic and desired_names[column] in automatic)
        }
    alter = f"ALTER TABLE {desired.quoted_name} RENAME CONSTRAINT"
    return [f"{alter} {old} TO {new};" for old, new in renames.items()]


def not_null_names(url: str, table: str) -> dict[str, str]:
    """The names of a table's NOT NULL constraints, by column; before PostgreSQL 18 there are none."""
    with closing(connect(url)) as connection:
        return dict(connection.execute(NOT_NULL_NAMES, [table]).fetchall())
