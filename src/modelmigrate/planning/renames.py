"""What may be an old object under a new name: found, confirmed, and written as RENAME."""

import sys
from contextlib import closing
from typing import NamedTuple

from modelmigrate.errors import Exit, MigrateError
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.catalog import catalog_objects
from modelmigrate.schema.diff import Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.sql.names import unquote

RENAME_FORMS = {
    "relation": "ALTER {detail} {owner} RENAME TO {name};",
    "column": "ALTER TABLE {owner} RENAME COLUMN {old} TO {name};",
    "constraint": "ALTER TABLE {owner} RENAME CONSTRAINT {old} TO {name};",
    "type": "ALTER TYPE {owner} RENAME TO {name};",
    "value": "ALTER TYPE {owner} RENAME VALUE {old} TO {name};",
}


class Rename(NamedTuple):
    """A column, or a table if there is no column, that may be an old one under a new name."""

    table: str
    old: str
    new: str

    @property
    def label(self) -> str:
        """As `rename=` names it."""
        return f"{self.table}.{self.old}:{self.new}" if self.table else f"{self.old}:{self.new}"

    @property
    def statement(self) -> str:
        old, new = (f'"{name}"' for name in (self.old, self.new))
        if not self.table:
            return f"ALTER TABLE {old} RENAME TO {new};"
        return f'ALTER TABLE "{self.table}" RENAME COLUMN {old} TO {new};'


def possible_renames(old: str, new: str) -> list[Rename]:
    """What is gone and what has come in the same place with the same type, in every pairing."""
    before, after = table_columns(old), table_columns(new)
    found = [
        Rename("", gone, come)
        for gone in before
        if gone not in after
        for come in after
        if come not in before and mostly_equal(before[gone], after[come])
    ]
    for table in before.keys() & after.keys():
        was, will_be = before[table], after[table]
        found += [
            Rename(table, gone, come)
            for gone in was
            if gone not in will_be
            for come in will_be
            if come not in was and was[gone] == will_be[come]
        ]
    return sorted(found)


def table_columns(url: str) -> dict[str, dict[str, str]]:
    """The columns of each table, with their types without lengths."""
    tables: dict[str, dict[str, str]] = {}
    for obj in catalog_objects(url).values():
        if obj.kind == "column" and obj.parent.startswith("public."):
            table = unquote(obj.parent.removeprefix("public."))
            tables.setdefault(table, {})[unquote(obj.name)] = obj.type_name.partition("(")[0]
    return tables


def mostly_equal(one: dict[str, str], other: dict[str, str]) -> bool:
    """Whether two tables have most of their columns in common."""
    return 2 * len(one.items() & other.items()) > max(len(one), len(other))


def confirm_renames(found: list[Rename], answer: str | None) -> list[Rename]:
    """Which of the candidates are renames, as `rename=` or the person at the terminal says.

    Raises:
        MigrateError: nobody says (exit code 3), or the answer fits none of them.
    """
    if answer is not None:
        wanted = [] if answer == "none" else answer.split(",")
        chosen = [next((r for r in found if matches(each, r)), None) for each in wanted]
        if None in chosen:
            options = ", ".join(each.label for each in found) or "none, since nothing looks renamed"
            raise MigrateError(
                f"rename={answer} does not fit. Possible: {options}. Nothing written."
            )
        return [each for each in chosen if each]
    if found and not sys.stdin.isatty():
        questions = "\n".join(
            f"  {r.table}{'.' if r.table else ''}{r.old} is gone, {r.new} is new" for r in found
        )
        choices = "\n".join(f"  rename={each.label}" for each in found)
        raise MigrateError(
            f"this looks like a rename:\n{questions}\nA rename keeps the values, a new column or"
            f" table starts empty. Nothing was written. Say which it is, and run it again:\n"
            f"{choices}\n  rename=none    (several: rename=a:b,c:d)",
            Exit.REFUSED,
        )
    chosen_here: list[Rename] = []
    for each in found:
        taken = any(
            each.table == c.table and {each.old, each.new} & {c.old, c.new} for c in chosen_here
        )
        place = f"{each.table}.{each.old}" if each.table else f"table {each.old}"
        if not taken and input(f"Is {each.new} the old {place}, renamed? [y/N] ").lower() in (
            "y",
            "yes",
        ):
            chosen_here.append(each)
    return chosen_here


def matches(given: str, rename: Rename) -> bool:
    """Whether `users.nick:nickname`, `users.nick:users.nickname` or `nick:nickname` is meant."""
    old, _, new = given.strip().partition(":")
    olds = {rename.old, f"{rename.table}.{rename.old}"} if rename.table else {rename.old}
    news = {rename.new, f"{rename.table}.{rename.new}"} if rename.table else {rename.new}
    return old in olds and new in news


def rename_statements(old: str, renames: list[Rename], wanted: Schema) -> list[str]:
    """Rename, and with it the constraints and indexes that are named after what was renamed."""
    if not renames:
        return []
    # A renamed table's columns are under its new name by then.
    statements = [each.statement for each in sorted(renames, key=lambda each: bool(each.table))]
    with scratch_database(old) as work:
        with closing(connect(work)) as connection:
            connection.execute("\n".join(statements).encode())
        return statements + rename_dependent_names(read_schema(work), wanted)


def rename_dependent_names(now: Schema, wanted: Schema) -> list[str]:
    """Renames of what differs in its name alone."""
    differences = diff(wanted, now)
    extra = [each.current for each in differences if each.current and not each.desired]
    absent = [each.desired for each in differences if each.desired and not each.current]
    statements = []
    for one in extra:
        for other in absent:
            old, new = (
                each.name.rpartition("public.")[2].rpartition(" ")[2] for each in (one, other)
            )
            table = one.create_sql.split()[3]
            if one.kind == other.kind and one.create_sql.replace(old, new) == other.create_sql:
                statements.append(
                    f'ALTER INDEX "{old}" RENAME TO "{new}";'
                    if one.kind == "INDEX"
                    else f'ALTER TABLE {table} RENAME CONSTRAINT "{old}" TO "{new}";'
                )
    return statements


def restore_names(work: str, target: str) -> list[str]:
    """The statements that give everything in `work` the name that it has in `target`."""
    now, goal = catalog_objects(work), catalog_objects(target)
    statements = []
    for key, obj in sorted(now.items(), key=lambda each: list(RENAME_FORMS).index(each[0][0])):
        wanted = goal.get(key)
        if wanted and wanted.name != obj.name:
            # Tables and types come first, so that what is in them has its old owner again.
            owner = obj.parent if obj.kind in ("relation", "type") else wanted.parent
            parts = {"detail": obj.type_name, "owner": owner, "old": obj.name}
            statements.append(RENAME_FORMS[obj.kind].format(name=wanted.name, **parts))
    return statements
