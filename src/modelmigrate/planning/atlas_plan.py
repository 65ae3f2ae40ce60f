"""Tables and enums that stay, changed by the statements that Atlas plans."""

from modelmigrate.atlas.commands import diff
from modelmigrate.errors import ToolError
from modelmigrate.planning.context import Bench
from modelmigrate.planning.dependents import altered
from modelmigrate.planning.enums import recast_enums
from modelmigrate.planning.kinds import INSIDE_TABLES
from modelmigrate.schema.diff import compare
from modelmigrate.sql.names import unquoted
from modelmigrate.sql.patterns import INDEX
from modelmigrate.sql.statements import code, in_short


def alter(bench: Bench) -> str:
    """Let Atlas change tables and enums that stay; why not, if it cannot."""
    changed = compare(bench.goal, bench.now())
    if not any(each.kind in INSIDE_TABLES for each in changed):
        return ""
    recast_enums(bench)
    labels = {each.label for each in changed}
    try:
        planned = diff(bench.work, bench.target)
    except ToolError as error:
        return str(error)
    waiting = [each for each in planned if not spelling_alone(each, labels)]
    reasons: dict[str, str] = {}
    while waiting:
        reasons = {each: why for each in waiting if (why := altered(bench, each))}
        if len(reasons) == len(waiting):
            break
        waiting = list(reasons)
    return "\n".join(f"{in_short(each)}\n{why}" for each, why in reasons.items())


def spelling_alone(statement: str, changed: set[str]) -> bool:
    """Whether Atlas would rebuild an index because its condition is printed in another way."""
    index = INDEX.match(code(statement))
    return index is not None and f"INDEX public.{unquoted(index['name'])}" not in changed
