"""The trigger that keeps two columns in step, whoever writes: the code that knows one of them, or the other."""

from typing import NamedTuple

from modelmigrate import project
from modelmigrate.expansions.directives import Expansion
from modelmigrate.sql.names import label_part, literal, quote, with_suffix

NEW_COLUMN = "_new"  # the end of the name of a column that takes the place of one
# Values are compared by their bytes: 1.0 and 1.00 are two, and some types have no equality at all.
RENAMED = """\
CREATE FUNCTION {function}() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.{new} IS DISTINCT FROM NULL THEN NEW.{old} := NEW.{new}; ELSE NEW.{new} := NEW.{old}; END IF;
  ELSIF record_image_ne(ROW(NEW.{new}), ROW(OLD.{new})) THEN
    NEW.{old} := NEW.{new};
  ELSE
    NEW.{new} := NEW.{old};
  END IF;
  RETURN NEW;
END
$$;"""
# No write of the code that knows the old type may fail: what does not fit is left out, and found later.
RETYPED = """\
CREATE FUNCTION {function}() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  NEW.{new} := NEW.{old}::{type};
  RETURN NEW;
EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
  NEW.{new} := NULL;
  RETURN NEW;
END
$$;"""
# Triggers fire in the order of their names: what others make of a value counts, too.
TRIGGER = (
    "CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table}"
    " FOR EACH ROW EXECUTE FUNCTION {function}();"
)
GUARD = """\
DO $$ BEGIN
  IF EXISTS (SELECT FROM {table} WHERE {unfilled}) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = {message}, HINT = {hint};
  END IF;
END $$;"""
UNFILLED = {
    "renamed": "record_image_ne(ROW({new}), ROW({old}))",
    "retyped": "{new} IS NULL AND {old} IS NOT NULL",
}


class Pair(NamedTuple):
    """Two columns that are kept in step: the one that was there, and the one that is added beside it."""

    expansion: Expansion
    type_name: str
    """Of the column that is added."""
    tables: list[str]
    """As SQL names them: the table, and those that inherit from it."""
    spelled: list[str]
    """The table and the two columns as people type them, in quotes only where they have to be."""

    @property
    def names(self) -> dict[str, str]:
        """What the forms above have names for."""
        return {
            "function": self.expansion.in_schema(function(self.expansion)),
            "name": quote(trigger(self.expansion)),
            "new": quote(added(self.expansion)),
            "old": quote(self.expansion.column),
            "type": self.type_name,
        }

    @property
    def create(self) -> list[str]:
        """The function, and its trigger on each of the tables."""
        body = RENAMED if self.expansion.new else RETYPED
        triggers = (TRIGGER.format(table=each, **self.names) for each in self.tables)
        return [body.format(**self.names), *triggers]

    @property
    def drop(self) -> list[str]:
        """What undoes that."""
        name = self.names["name"]
        return [
            *(f"DROP TRIGGER {name} ON {each};" for each in self.tables),
            f"DROP FUNCTION {self.names['function']}();",
        ]

    @property
    def backfill(self) -> str:
        """What to type, so that the rows that are there have the value in the column that is added."""
        table, old, new = self.spelled
        cast = "" if self.expansion.new else f"::{self.type_name}"
        rows = {"set": f"{new} = {old}{cast}", "where": f"{new} IS NULL AND {old} IS NOT NULL"}
        return project.backfill(table, rows)

    @property
    def fill(self) -> str:
        """The same for a down migration, where triggers have nothing to do with it, such as one that
        writes down when a row was changed."""
        table, old, new = self.spelled
        return (
            f"ALTER TABLE {table} DISABLE TRIGGER USER;\n"
            f"UPDATE {table} SET {new} = {old} WHERE {new} IS NULL AND {old} IS NOT NULL;\n"
            f"ALTER TABLE {table} ENABLE TRIGGER USER;"
        )

    @property
    def swap(self) -> tuple[str, str]:
        """The name of the column that stays in the end, and the one that it gets."""
        each = self.expansion
        return (each.column, each.new) if each.new else (added(each), each.column)

    @property
    def guard(self) -> str:
        """A statement that fails where rows are not filled: it comes before anything is lost."""
        table, old, new = self.spelled
        unfilled = UNFILLED["renamed" if self.expansion.new else "retyped"]
        message = (
            f"rows of {table} do not have the value of {old} in {new} yet. Nothing was changed."
        )
        return GUARD.format(
            table=self.expansion.sql_table,
            unfilled=unfilled.format(**self.names),
            message=literal(message),
            hint=literal(f"Fill them, then apply this again: {self.backfill}"),
        )


def added(expansion: Expansion) -> str:
    """The name of the column that is added beside the other one."""
    return expansion.new or with_suffix(expansion.column, NEW_COLUMN)


def function(expansion: Expansion) -> str:
    """The name of the function that keeps both in step, without quotes."""
    return with_suffix(f"{expansion.table}_{added(expansion)}", "_in_step")


def trigger(expansion: Expansion) -> str:
    """The name of the trigger that calls it, without quotes."""
    return with_suffix(f"zz_{added(expansion)}", "_in_step")


def sync_labels(expansion: Expansion) -> list[str]:
    """The labels of both in a schema."""
    schema, table = label_part(expansion.schema), label_part(expansion.table)
    return [
        f"FUNCTION {schema}.{function(expansion)}()",
        f"TRIGGER {schema}.{table} {label_part(trigger(expansion))}",
    ]
