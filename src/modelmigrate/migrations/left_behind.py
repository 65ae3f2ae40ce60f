"""Rows that a new migration leaves as they are, though what it says of them is another thing from now on."""

from modelmigrate import project
from modelmigrate.expansions.needed import changed_tables
from modelmigrate.expansions.sides import Sides
from modelmigrate.planning.renames import shown
from modelmigrate.schema.diff import diff
from modelmigrate.sql.names import quote


def notes_on_rows(sides: Sides) -> list[str]:
    """A note on each column that gets a default, of which older rows have none; and on each constraint
    that no row is checked for which is there."""
    return [*notes_on_defaults(sides), *notes_on_not_valid(sides)]


def notes_on_defaults(sides: Sides) -> list[str]:
    """Where a column was NULL unless code filled it, and no longer is, older rows still are."""
    notes = []
    for schema, name in changed_tables(sides):
        table = f"{quote(schema)}.{quote(name)}"
        current, desired = sides.columns(table)
        for key in current.keys() & desired.keys():
            old, new = current[key], desired[key]
            filled = new.generated or new.identity or new.default.startswith("nextval(")
            if new.default and not filled and not (old.default or old.not_null or new.not_null):
                rows = {"set": f"{new.name} = {new.default}", "where": f"{new.name} IS NULL"}
                notes.append(
                    f"note: rows of {shown(table)} that are there stay NULL where {new.name} is; its new"
                    f" default is for new ones. To fill them: {project.backfill(shown(table), rows)}"
                )
    return sorted(notes)


def notes_on_not_valid(sides: Sides) -> list[str]:
    """A constraint that models say is NOT VALID is for new rows alone, until somebody validates it."""
    return [
        f"note: {each.title} is NOT VALID: rows that are there are not checked for it"
        for each in diff(sides.desired, sides.current)
        if each.desired
        and not each.current
        and each.desired.create_sql.endswith(" NOT VALID;")
        and f"TABLE {each.name.rpartition(' ')[0]}" in sides.current
    ]
