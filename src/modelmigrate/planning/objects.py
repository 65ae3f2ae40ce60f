"""Objects created, replaced and dropped by the very statements that `pg_dump` writes."""

from modelmigrate.planning.context import Bench, Concerned, everything, until_none
from modelmigrate.planning.dependents import clear
from modelmigrate.planning.kinds import (
    HOLDING_OTHERS,
    REPLACE,
    parents,
    revoked,
    table_of,
    undo,
    validated,
)
from modelmigrate.planning.tables import identity, retype, table_properties
from modelmigrate.schema.diff import Difference, Entry, compare


def keep(bench: Bench, lost: set[str]) -> None:
    """Make what Atlas would lose; a new table with all of its parts."""
    for each in compare(bench.goal, bench.now()):
        if each.found and each.label in lost and each.kind != "TABLE":
            bench.attempt(validated(each, bench.goal) or undo(each.found))
    retype(bench, lambda each: each.label in lost)
    missing = [each for each in compare(bench.goal, bench.now()) if each.expected]
    new = {e.name for e in missing if e.kind == "TABLE" and e.label in lost and not e.found}
    new |= {parent for name in new for parent in parents(bench.goal.get(f"TABLE {name}"))}
    parts = [
        each
        for each in missing
        if each.label in lost
        or {each.name, each.expected and table_of(each.expected)} & new
        or (each.kind == "TYPE" and each.how == "missing")
    ]
    until_none(parts, lambda each: made(bench, each))


def remove(bench: Bench, concerned: Concerned = everything) -> None:
    """Remove what is not wanted, and what changes and cannot be replaced in its place."""
    changes = [e for e in compare(bench.goal, bench.now()) if e.found and concerned(e)]
    tables = {e.name for e in changes if e.kind in HOLDING_OTHERS and not e.expected}
    waiting: list[Entry] = []
    with_their_table: list[Entry] = []
    for wanted, entry in ((each.expected, each.found) for each in reversed(changes)):
        if entry is None or (wanted and (entry.kind in {"TABLE", "TYPE"} or entry.kind in REPLACE)):
            continue
        if table_of(entry) in tables:
            with_their_table.append(entry)
        elif entry.kind.endswith("ACL"):
            for line in entry.create.splitlines():
                if not wanted or line not in wanted.create:
                    bench.attempt(revoked(line))
        else:
            waiting.append(entry)
    # Only where tables hold one another do their parts have to go first.
    waiting = until_none(waiting, lambda entry: bench.attempt(undo(entry)) is None)
    if waiting:
        waiting = until_none(
            [*with_their_table, *waiting], lambda e: bench.attempt(undo(e)) is None
        )
    for entry in waiting:  # what depends on it stays as it is, and is made again
        if entry.kind in HOLDING_OTHERS - {"TABLE", "EXTENSION"}:
            clear(bench, entry)


def make(bench: Bench, concerned: Concerned = everything) -> None:
    """Make what is missing, in whatever order works, and replace what changed."""
    changes = [e for e in compare(bench.goal, bench.now()) if e.expected and concerned(e)]
    until_none(changes, lambda each: made(bench, each))


def made(bench: Bench, difference: Difference) -> bool:
    """Make what is wanted, or what it replaces into it; whether that went well."""
    wanted, entry = difference.expected, difference.found
    if wanted is None:
        return True
    if entry is None or wanted.kind.endswith("ACL"):
        return bench.attempt(wanted.create) is None
    if wanted.kind == "TABLE":
        properties = table_properties(entry, wanted)
        return bool(properties) and all(bench.attempt(each) is None for each in properties)
    if wanted.kind not in REPLACE:
        return False
    replacement = identity(entry, wanted) or wanted.create.replace(*REPLACE[wanted.kind], 1)
    if {replacement, wanted.create} & {*bench.made}:
        return False  # it is spelt otherwise once it is made, and that is all
    if bench.attempt(replacement) is None:
        return True
    return clear(bench, entry) and bench.attempt(wanted.create) is None
