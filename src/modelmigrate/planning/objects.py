"""Objects created, replaced and dropped by the very statements that `pg_dump` writes."""

from enum import Enum

from modelmigrate.planning.context import PlanContext, Selects, retry_while_progress, select_all
from modelmigrate.planning.dependents import drop_with_dependents
from modelmigrate.planning.kinds import (
    CONTAINERS,
    REPLACE_FORMS,
    TYPES,
    inverse_of_grant,
    inverse_statement,
    validate_constraint_statement,
)
from modelmigrate.planning.sequences import alter_sequence
from modelmigrate.planning.tables import alter_table_options, change_column_types
from modelmigrate.postgres.execute import BATCH_SIZE
from modelmigrate.schema.diff import Change, SchemaObject, diff
from modelmigrate.sql.patterns import DEFERRABLE, QUOTED_NUMBER

# --- what Atlas misses ---


def known_to_be_missed(changes: list[Change]) -> set[str]:
    """The labels of new tables that Atlas would create in another spelling, and of the constraints that it
    is not asked for, without an attempt at it."""
    tables = [each.desired for each in changes if each.kind == "TABLE" and not each.current]
    spelled = {each.label for each in tables if each and QUOTED_NUMBER.search(each.create_sql)}
    return spelled | {
        each.label
        for each in changes
        if each.desired and DEFERRABLE.search(each.desired.create_sql)
    }


def create_what_atlas_misses(context: PlanContext, missed_by_atlas: set[str]) -> None:
    """Bring the objects with these labels to their desired state before Atlas is asked, which would
    plan them wrongly or not at all; a new table comes with all of its parts."""
    for change in diff(context.desired, context.expected()):
        if change.current and change.label in missed_by_atlas and change.kind != "TABLE":
            context.try_execute(
                validate_constraint_statement(change, context.desired)
                or inverse_statement(change.current)
            )
    change_column_types(context, lambda change: change.label in missed_by_atlas)
    changes = [each for each in diff(context.desired, context.expected()) if each.desired]
    new_tables = {
        change.label
        for change in changes
        if change.kind == "TABLE" and change.label in missed_by_atlas and not change.current
    }
    new_tables |= {parent for table in new_tables for parent in context.desired[table].belongs_to}
    to_create = [
        change
        for change in changes
        if change.label in missed_by_atlas | new_tables
        or (change.desired and new_tables.intersection(change.desired.belongs_to))
        or (change.kind == "TYPE" and change.current is None)
    ]
    create_in_any_order(context, to_create)


# --- dropping ---


class Removal(Enum):
    """How the current side of a change is removed."""

    NONE = "it stays, and is changed in its place"
    WITH_CONTAINER = "it is dropped together with its table or other container"
    REVOKE = "privileges that are not desired are revoked"
    DROP = "it is dropped, and created again where it is still desired"


def how_removed(change: Change, dropped_containers: set[str]) -> Removal:
    """How a change, which has a current side, removes it. `dropped_containers` are the labels of the
    containers that go as a whole."""
    current, desired = change.current, change.desired
    if current is None or (desired and current.kind in {"TABLE", *TYPES, *REPLACE_FORMS}):
        return Removal.NONE
    if dropped_containers.intersection(current.belongs_to):
        return Removal.WITH_CONTAINER
    return Removal.REVOKE if current.kind.endswith("ACL") else Removal.DROP


def drop_objects(context: PlanContext, selects: Selects = select_all) -> None:
    """Drop the objects that are not desired, and those that change and cannot be replaced."""
    changes = [
        each for each in diff(context.desired, context.expected()) if each.current and selects(each)
    ]
    dropped_containers = {
        each.label for each in changes if each.kind in CONTAINERS and not each.desired
    }
    # In the reverse order of creation, so that most dependents come before what they depend on.
    removals = [(how_removed(each, dropped_containers), each) for each in reversed(changes)]
    for removal, change in removals:
        if removal is Removal.REVOKE:
            revoke(context, change)

    remaining = drop_in_any_order(context, _current_of(removals, Removal.DROP))
    if remaining:
        # Tables that refer to one another can be dropped only after their constraints.
        parts = _current_of(removals, Removal.WITH_CONTAINER)
        remaining = drop_in_any_order(context, [*parts, *remaining])
    for obj in remaining:
        # What depends on it is still desired: it is dropped with it, and created again.
        if obj.kind in CONTAINERS - {"TABLE", "DOMAIN", "EXTENSION"}:
            drop_with_dependents(context, obj)


def _current_of(removals: list[tuple[Removal, Change]], how: Removal) -> list[SchemaObject]:
    return [each.current for removal, each in removals if removal is how and each.current]


def drop_in_any_order(context: PlanContext, objects: list[SchemaObject]) -> list[SchemaObject]:
    """Drop objects in an order that works; those that cannot be dropped."""
    return retry_while_progress(
        objects, lambda obj: context.try_execute(inverse_statement(obj)) is None
    )


def revoke(context: PlanContext, change: Change) -> None:
    """Undo each GRANT and REVOKE of the current privileges that the desired ones do not have."""
    for line in change.current.create_sql.splitlines() if change.current else []:
        if not change.desired or line not in change.desired.create_sql:
            context.try_execute(inverse_of_grant(line))


# --- creating ---


def create_objects(context: PlanContext, selects: Selects = select_all) -> None:
    """Create the missing objects, and replace the changed ones, in an order that works."""
    changes = [
        each for each in diff(context.desired, context.expected()) if each.desired and selects(each)
    ]
    create_in_any_order(context, changes)


def create_in_any_order(context: PlanContext, changes: list[Change]) -> None:
    """Bring objects to their desired state in an order that works: in batches, for speed, as far as theirs
    does and nothing is there yet."""
    remaining: list[Change] = []
    for start in range(0, len(changes), BATCH_SIZE):
        batch = changes[start : start + BATCH_SIZE]
        missing = [each.desired for each in batch if each.desired and is_missing(each)]
        if len(missing) < len(batch) or not context.create(*missing):
            remaining += [each for each in batch if not create_or_replace(context, each)]
    retry_while_progress(remaining, lambda change: create_or_replace(context, change))


def is_missing(change: Change) -> bool:
    """Whether its statement creates all that is desired; privileges add to those that come by themselves."""
    return change.current is None and not change.kind.endswith("ACL")


def create_or_replace(context: PlanContext, change: Change) -> bool:
    """Bring an object to its desired state; whether that succeeded. By its kind:

    - what is missing is created; so are privileges, which add to what is there;
    - a table that stays gets its options (Atlas changes its columns);
    - a kind with a form in `REPLACE_FORMS` is replaced, or else recreated;
    - any other kind is not changed: `drop_objects` drops it first, and it counts as missing then.
    """
    desired, current = change.desired, change.current
    if desired is None:
        return True
    if is_missing(change):
        return context.create(desired)
    if current is None or desired.kind.endswith("ACL"):
        return context.try_execute(desired.create_sql) is None
    if desired.kind == "TABLE":
        statements = alter_table_options(current, desired)
        return bool(statements) and all(context.try_execute(each) is None for each in statements)
    if desired.kind in REPLACE_FORMS:
        return replace_or_recreate(context, current, desired)
    return False


def replace_or_recreate(context: PlanContext, current: SchemaObject, desired: SchemaObject) -> bool:
    """Replace an object in its place; where PostgreSQL does not allow that, drop it with its
    dependents and create it. Whether that succeeded."""
    pattern, replacement = REPLACE_FORMS[desired.kind]
    replace_sql = desired.create_sql.replace(pattern, replacement, 1)
    if desired.kind == "SEQUENCE":
        replace_sql = alter_sequence(current, desired)
    if {replace_sql, desired.create_sql} & {*context.statements}:
        return False  # it was run already: what differs still is the formatting alone
    if replace_sql and context.try_execute(replace_sql) is None:
        return True
    dropped = drop_with_dependents(context, current)
    return dropped and context.try_execute(desired.create_sql) is None
