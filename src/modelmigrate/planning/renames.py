"""Tables and columns that may have been renamed: found, confirmed, and written as RENAME."""

import re
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.schema.catalog import catalog_objects
from modelmigrate.schema.namespaces import PUBLIC
from modelmigrate.sql.names import quote, split_name, unquote
from modelmigrate.terminal import ask, is_interactive


class Rename(NamedTuple):
    """A possible rename: of a table where `table` is empty, else of a column of that table."""

    table: str
    old: str
    new: str
    schema: str = PUBLIC

    @property
    def label(self) -> str:
        """As the option `rename` names it."""
        return f"{self.old_name}:{spelled(self.new)}"

    @property
    def old_name(self) -> str:
        """The old name, of a column with its table, and with its schema if that is not public."""
        return ".".join(map(spelled, [*self._place, self.old]))

    @property
    def new_name(self) -> str:
        """The new name, as `old_name`."""
        return ".".join(map(spelled, [*self._place, self.new]))

    @property
    def statement(self) -> str:
        old, new = quote(self.old), quote(self.new)
        place = ".".join(map(quote, self._place))
        if not self.table:
            return f"ALTER TABLE {place}{'.' if place else ''}{old} RENAME TO {new};"
        return f"ALTER TABLE {place} RENAME COLUMN {old} TO {new};"

    @property
    def _place(self) -> list[str]:
        return [
            *([] if self.schema == PUBLIC else [self.schema]),
            *([self.table] * bool(self.table)),
        ]


def spelled(name: str) -> str:
    """A name as an answer has it: in quotes where it could end too early."""
    return quote(name) if re.search(r'[ .:,"]', name) else name


def possible_renames(current_url: str, desired_url: str) -> list[Rename]:
    """Every pair of a removed and an added column of a table with the same type, and of a removed and
    an added table with mostly the same columns."""
    current, desired = table_columns(current_url), table_columns(desired_url)
    renames = [
        Rename("", removed[1], added[1], added[0])
        for removed in current
        if removed not in desired
        for added in desired
        if added not in current
        and removed[0] == added[0]
        and mostly_equal(current[removed], desired[added])
    ]
    for table in current.keys() & desired.keys():
        columns, desired_columns = current[table], desired[table]
        renames += [
            Rename(table[1], removed, added, table[0])
            for removed in columns
            if removed not in desired_columns
            for added in desired_columns
            if added not in columns and columns[removed] == desired_columns[added]
        ]
    return sorted(renames)


def table_columns(url: str) -> dict[tuple[str, str], dict[str, str]]:
    """The columns of each table, which is a schema and a name, with their types without lengths."""
    tables: dict[tuple[str, str], dict[str, str]] = {}
    for obj in catalog_objects(url).values():
        if obj.kind == "column":
            schema, table = map(unquote, split_name(obj.parent))
            columns = tables.setdefault((schema, table), {})
            columns[unquote(obj.name)] = obj.type_name.partition("(")[0]
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
            (rename.schema, rename.table) == (each.schema, each.table)
            and {rename.old, rename.new} & {each.old, each.new}
            for each in confirmed
        )
        if not decided and _ask_whether(rename):
            confirmed.append(rename)
    return confirmed


def _match_answer(possible: list[Rename], answer: str) -> list[Rename]:
    labels = [] if answer == "none" else re.findall(r'(?:[^,"]|"[^"]*")+', answer)
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
    return label.strip() in {
        f"{old}:{new}"
        for old in (rename.old, spelled(rename.old), rename.old_name)
        for new in (rename.new, spelled(rename.new), rename.new_name)
    }


def rename_statements(renames: list[Rename]) -> list[str]:
    """The statements for these renames."""
    # Tables first: a renamed table's columns name it by its new name.
    return [each.statement for each in sorted(renames, key=lambda each: bool(each.table))]
