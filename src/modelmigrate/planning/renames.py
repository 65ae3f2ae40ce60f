"""Tables and columns that may have been renamed: found, confirmed, and written as RENAME."""

from contextlib import closing
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.catalog import catalog_objects
from modelmigrate.schema.diff import Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.sql.names import quote, unquote
from modelmigrate.terminal import ask, is_interactive

# How each kind of catalog object is renamed, tables and types before what is in them.
RENAME_FORMS = {
    "relation": "ALTER {type_name} {parent} RENAME TO {new};",
    "column": "ALTER TABLE {parent} RENAME COLUMN {old} TO {new};",
    "constraint": "ALTER TABLE {parent} RENAME CONSTRAINT {old} TO {new};",
    "type": "ALTER TYPE {parent} RENAME TO {new};",
    "value": "ALTER TYPE {parent} RENAME VALUE {old} TO {new};",
}


class Rename(NamedTuple):
    """A possible rename: of a table where `table` is empty, else of a column of that table."""

    table: str
    old: str
    new: str

    @property
    def label(self) -> str:
        """As the option `rename` names it."""
        return f"{self.old_name}:{self.new}"

    @property
    def old_name(self) -> str:
        """The old name, of a column with its table."""
        return f"{self.table}.{self.old}" if self.table else self.old

    @property
    def new_name(self) -> str:
        """The new name, of a column with its table."""
        return f"{self.table}.{self.new}" if self.table else self.new

    @property
    def statement(self) -> str:
        old, new = quote(self.old), quote(self.new)
        if not self.table:
            return f"ALTER TABLE {old} RENAME TO {new};"
        return f"ALTER TABLE {quote(self.table)} RENAME COLUMN {old} TO {new};"


# --- from the models: which removal and addition is a rename? ---


def possible_renames(current_url: str, desired_url: str) -> list[Rename]:
    """Every pair of a removed and an added column of a table with the same type, and of a removed and
    an added table with mostly the same columns."""
    current, desired = table_columns(current_url), table_columns(desired_url)
    renames = [
        Rename("", removed, added)
        for removed in current
        if removed not in desired
        for added in desired
        if added not in current and mostly_equal(current[removed], desired[added])
    ]
    for table in current.keys() & desired.keys():
        columns, desired_columns = current[table], desired[table]
        renames += [
            Rename(table, removed, added)
            for removed in columns
            if removed not in desired_columns
            for added in desired_columns
            if added not in columns and columns[removed] == desired_columns[added]
        ]
    return sorted(renames)


def table_columns(url: str) -> dict[str, dict[str, str]]:
    """The columns of each table, with their types without lengths."""
    tables: dict[str, dict[str, str]] = {}
    for obj in catalog_objects(url).values():
        if obj.kind == "column" and obj.parent.startswith("public."):
            table = unquote(obj.parent.removeprefix("public."))
            tables.setdefault(table, {})[unquote(obj.name)] = obj.type_name.partition("(")[0]
    return tables


def mostly_equal(one: dict[str, str], other: dict[str, str]) -> bool:
    """Whether two tables have more than half of their columns in common."""
    return 2 * len(one.items() & other.items()) > max(len(one), len(other))


def confirm_renames(possible: list[Rename], answer: str | None) -> list[Rename]:
    """Those of the possible renames that are meant: by the answer, which is the option `rename`, or
    else by the person at the terminal.

    Raises:
        MigrateError: the answer matches none of them; or there is neither an answer nor a terminal
            (exit code 3).
    """
    if answer is not None:
        return _match_answer(possible, answer)
    if possible and not is_interactive():
        raise _unconfirmed(possible)
    confirmed: list[Rename] = []
    for rename in possible:
        decided = any(
            rename.table == each.table and {rename.old, rename.new} & {each.old, each.new}
            for each in confirmed
        )
        if not decided and _ask_whether(rename):
            confirmed.append(rename)
    return confirmed


def _match_answer(possible: list[Rename], answer: str) -> list[Rename]:
    labels = [] if answer == "none" else answer.split(",")
    renames = [next((r for r in possible if matches(label, r)), None) for label in labels]
    if None in renames:
        options = ", ".join(each.label for each in possible) or "none"
        raise MigrateError(
            f"{project.option('rename', answer)} matches no possible rename. Possible: {options}."
            " No file was written."
        )
    return [each for each in renames if each]


def _unconfirmed(possible: list[Rename]) -> MigrateError:
    removals = [
        f"Possible rename: {each.old_name} was removed and {each.new_name} added,"
        f" with {'the same type' if each.table else 'mostly the same columns'}."
        for each in possible
    ]
    options = [f"  {project.option('rename', each.label)}" for each in possible]
    return MigrateError(
        "\n".join(
            [
                *removals,
                "Renaming keeps the data, drop and add loses it. No file was written. Choose:",
                *options,
                f"  {project.option('rename', 'none')}    (several: {project.option('rename', 'a:b,c:d')})",
            ]
        ),
        Exit.REFUSED,
    )


def _ask_whether(rename: Rename) -> bool:
    what = "column" if rename.table else "table"
    question = f"Was the {what} {rename.old_name} renamed to {rename.new}? [y/N] "
    return ask(question).lower() in ("y", "yes")


def matches(label: str, rename: Rename) -> bool:
    """Whether a label means this rename: `users.nick:nickname`, `users.nick:users.nickname` or, without
    the table, `nick:nickname`."""
    old, _, new = label.strip().partition(":")
    return old in {rename.old, rename.old_name} and new in {rename.new, rename.new_name}


def rename_statements(current_url: str, renames: list[Rename], desired: Schema) -> list[str]:
    """The statements for these renames, and for the constraints and indexes that are named after what
    was renamed."""
    if not renames:
        return []
    # Tables first: a renamed table's columns name it by its new name.
    statements = [each.statement for each in sorted(renames, key=lambda each: bool(each.table))]
    with scratch_database(current_url) as work_url:
        with closing(connect(work_url)) as connection:
            connection.execute("\n".join(statements).encode())
        return statements + rename_dependent_names(read_schema(work_url), desired)


def rename_dependent_names(current: Schema, desired: Schema) -> list[str]:
    """The renames of constraints and indexes that differ in their name only."""
    changes = diff(desired, current)
    removed = [each.current for each in changes if each.current and not each.desired]
    added = [each.desired for each in changes if each.desired and not each.current]
    statements = []
    for old_obj in removed:
        for new_obj in added:
            old, new = (
                obj.name.rpartition("public.")[2].rpartition(" ")[2] for obj in (old_obj, new_obj)
            )
            table = old_obj.create_sql.split()[3]
            same_but_name = old_obj.create_sql.replace(old, new) == new_obj.create_sql
            if old_obj.kind == new_obj.kind and same_but_name:
                statements.append(
                    f"ALTER INDEX {quote(old)} RENAME TO {quote(new)};"
                    if old_obj.kind == "INDEX"
                    else f"ALTER TABLE {table} RENAME CONSTRAINT {quote(old)} TO {quote(new)};"
                )
    return statements


# --- from the catalog: what was renamed since the state was cloned? ---


def restore_names(current_url: str, desired_url: str) -> list[str]:
    """The statements that give every object of the current state, a clone of the desired one, the name
    that it has there."""
    current, desired = catalog_objects(current_url), catalog_objects(desired_url)
    kinds = list(RENAME_FORMS)
    statements = []
    for key, obj in sorted(current.items(), key=lambda item: kinds.index(item[1].kind)):
        original = desired.get(key)
        if original and original.name != obj.name:
            # Tables and types come first, so what is in them has its original parent again.
            parent = obj.parent if obj.kind in ("relation", "type") else original.parent
            names = {"type_name": obj.type_name, "parent": parent, "old": obj.name}
            statements.append(RENAME_FORMS[obj.kind].format(new=original.name, **names))
    return statements
