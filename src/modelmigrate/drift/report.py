"""Drift, told as text, as JSON and as annotations."""

import json
from collections.abc import Callable

from modelmigrate.errors import Exit, MigrateError
from modelmigrate.postgres.environments import LOCAL, Environment
from modelmigrate.schema.diff import Change

DESCRIPTIONS = {
    "extra": "is in the database, and not in",
    "missing": "is not in the database, but in",
    "changed": "is another in the database than in",
}


def report_drift(
    target: Environment, other: str, differences: list[Change], form: str | None, note: str
) -> str:
    report = REPORT_FORMATS[form or "text"](target, other, differences, note)
    if not differences:
        return report
    if form not in (None, "", "text"):
        print(report)
        report = f"{len(differences)} difference(s)"
    raise MigrateError(report, Exit.DRIFT)


def as_text(target: Environment, other: str, differences: list[Change], note: str) -> str:
    if not differences:
        return f"no drift: {target.name} agrees with {other}{note}"
    lines = [f"{target.name} has drifted from {other}{note}:"]
    for each in differences:
        lines.append(f"  {each.how:<8}{each.label}")
        lines += [f"      {line}" for line in each.lines()]
    lines.append("Nothing was changed. (- expected, + found)")
    if other == "its migrations":
        named = "" if target.name == LOCAL else f" env={target.name}"
        lines.append(
            f"Keep it: make schema-drift{named} fix=adopt writes a migration."
            f" Undo it: make schema-drift{named} fix=revert shows how."
        )
    return "\n".join(lines)


def as_json(target: Environment, other: str, differences: list[Change], note: str) -> str:
    found = [
        {
            "how": each.how,
            "kind": each.kind,
            "name": each.name,
            "expected": each.desired and each.desired.create_sql,
            "found": each.current and each.current.create_sql,
        }
        for each in differences
    ]
    answer = {"environment": target.name, "against": other, "drift": bool(found)}
    return json.dumps(answer | {"note": note.strip(" ()"), "differences": found}, indent=2)


def as_github(target: Environment, other: str, differences: list[Change], note: str) -> str:
    """Annotations, a line each; a line break is a code in them."""
    lines = []
    for each in differences:
        text = "\n".join([f"{each.label} {DESCRIPTIONS[each.how]} {other}", *each.lines()])
        escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        lines.append(f"::error title=Schema drift in {target.name}::{escaped}")
    return (
        "\n".join(lines)
        or f"::notice title=No schema drift::{target.name} agrees with {other}{note}"
    )


REPORT_FORMATS: dict[str, Callable[[Environment, str, list[Change], str], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
}
