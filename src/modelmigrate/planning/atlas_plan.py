"""Tables and enums that stay, changed by the statements that Atlas plans."""

from modelmigrate.atlas.commands import diff_databases
from modelmigrate.errors import MigrateError
from modelmigrate.planning.context import PlanContext
from modelmigrate.planning.dependents import execute_with_dependents
from modelmigrate.planning.enums import recreate_enums
from modelmigrate.planning.kinds import PLANNED_BY_ATLAS
from modelmigrate.schema.diff import diff
from modelmigrate.sql.names import unquote
from modelmigrate.sql.patterns import INDEX_STATEMENT
from modelmigrate.sql.statements import shorten, strip_comments


def apply_atlas_plan(context: PlanContext) -> str:
    """Let Atlas change tables and enums that stay; why not, if it cannot."""
    changed = diff(context.desired, context.current())
    if not any(each.kind in PLANNED_BY_ATLAS for each in changed):
        return ""
    recreate_enums(context)
    labels = {each.label for each in changed}
    try:
        planned = diff_databases(context.current_url, context.desired_url)
    except MigrateError as error:
        return str(error)
    waiting = [each for each in planned if not is_formatting_only(each, labels)]
    reasons: dict[str, str] = {}
    while waiting:
        reasons = {each: why for each in waiting if (why := execute_with_dependents(context, each))}
        if len(reasons) == len(waiting):
            break
        waiting = list(reasons)
    return "\n".join(f"{shorten(each)}\n{why}" for each, why in reasons.items())


def is_formatting_only(statement: str, changed: set[str]) -> bool:
    """Whether Atlas would rebuild an index because its condition is printed in another way."""
    index = INDEX_STATEMENT.match(strip_comments(statement))
    return index is not None and f"INDEX public.{unquote(index['name'])}" not in changed
