"""Objects created, replaced and dropped by the very statements that `pg_dump` writes."""

from modelmigrate.planning.context import PlanContext, Selects, retry_while_progress, select_all
from modelmigrate.planning.dependents import drop_with_dependents
from modelmigrate.planning.kinds import (
    CONTAINERS,
    REPLACE_FORMS,
    inverse_of_grant,
    inverse_statement,
    parent_tables,
    table_of,
    validate_constraint_statement,
)
from modelmigrate.planning.tables import alter_identity, alter_table_options, change_column_types
from modelmigrate.schema.diff import Change, SchemaObject, diff


def create_what_atlas_misses(context: PlanContext, lost: set[str]) -> None:
    """Make what Atlas would lose; a new table with all of its parts."""
    for each in diff(context.desired, context.current()):
        if each.current and each.label in lost and each.kind != "TABLE":
            context.try_execute(
                validate_constraint_statement(each, context.desired)
                or inverse_statement(each.current)
            )
    change_column_types(context, lambda each: each.label in lost)
    missing = [each for each in diff(context.desired, context.current()) if each.desired]
    new = {e.name for e in missing if e.kind == "TABLE" and e.label in lost and not e.current}
    new |= {
        parent for name in new for parent in parent_tables(context.desired.get(f"TABLE {name}"))
    }
    parts = [
        each
        for each in missing
        if each.label in lost
        or {each.name, each.desired and table_of(each.desired)} & new
        or (each.kind == "TYPE" and each.how == "missing")
    ]
    retry_while_progress(parts, lambda each: create_or_replace(context, each))


def drop_objects(context: PlanContext, concerned: Selects = select_all) -> None:
    """Remove what is not wanted, and what changes and cannot be replaced in its place."""
    changes = [e for e in diff(context.desired, context.current()) if e.current and concerned(e)]
    tables = {e.name for e in changes if e.kind in CONTAINERS and not e.desired}
    waiting: list[SchemaObject] = []
    with_their_table: list[SchemaObject] = []
    for wanted, entry in ((each.desired, each.current) for each in reversed(changes)):
        if entry is None or (
            wanted and (entry.kind in {"TABLE", "TYPE"} or entry.kind in REPLACE_FORMS)
        ):
            continue
        if table_of(entry) in tables:
            with_their_table.append(entry)
        elif entry.kind.endswith("ACL"):
            for line in entry.create_sql.splitlines():
                if not wanted or line not in wanted.create_sql:
                    context.try_execute(inverse_of_grant(line))
        else:
            waiting.append(entry)
    # Only where tables hold one another do their parts have to go first.
    waiting = retry_while_progress(
        waiting, lambda entry: context.try_execute(inverse_statement(entry)) is None
    )
    if waiting:
        waiting = retry_while_progress(
            [*with_their_table, *waiting],
            lambda e: context.try_execute(inverse_statement(e)) is None,
        )
    for entry in waiting:  # what depends on it stays as it is, and is made again
        if entry.kind in CONTAINERS - {"TABLE", "EXTENSION"}:
            drop_with_dependents(context, entry)


def create_objects(context: PlanContext, concerned: Selects = select_all) -> None:
    """Make what is missing, in whatever order works, and replace what changed."""
    changes = [e for e in diff(context.desired, context.current()) if e.desired and concerned(e)]
    retry_while_progress(changes, lambda each: create_or_replace(context, each))


def create_or_replace(context: PlanContext, difference: Change) -> bool:
    """Make what is wanted, or what it replaces into it; whether that went well."""
    wanted, entry = difference.desired, difference.current
    if wanted is None:
        return True
    if entry is None or wanted.kind.endswith("ACL"):
        return context.try_execute(wanted.create_sql) is None
    if wanted.kind == "TABLE":
        properties = alter_table_options(entry, wanted)
        return bool(properties) and all(context.try_execute(each) is None for each in properties)
    if wanted.kind not in REPLACE_FORMS:
        return False
    replacement = alter_identity(entry, wanted) or wanted.create_sql.replace(
        *REPLACE_FORMS[wanted.kind], 1
    )
    if {replacement, wanted.create_sql} & {*context.statements}:
        return False  # it is spelt otherwise once it is made, and that is all
    if context.try_execute(replacement) is None:
        return True
    return drop_with_dependents(context, entry) and context.try_execute(wanted.create_sql) is None
