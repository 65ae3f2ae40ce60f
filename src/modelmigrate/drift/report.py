"""Drift, told as text, as JSON and as annotations."""

import json
from collections.abc import Callable

from modelmigrate.errors import Exit, ToolError
from modelmigrate.postgres.environments import LOCAL, Environment
from modelmigrate.schema.diff import Difference

MEANING = {
    "extra": "is in the database, and not in",
    "missing": "is not in the database, but in",
    "changed": "is another in the database than in",
}


def verdict(
    target: Environment, other: str, differences: list[Difference], form: str | None, note: str
) -> str:
    report = FORMATS[form or "text"](target, other, differences, note)
    if not differences:
        return report
    if form not in (None, "", "text"):
        print(report)
        report = f"{len(differences)} difference(s)"
    raise ToolError(report, Exit.DRIFT)


def as_text(target: Environment, other: str, differences: list[Difference], note: str) -> str:
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


def as_json(target: Environment, other: str, differences: list[Difference], note: str) -> str:
    found = [
        {
            "how": each.how,
            "kind": each.kind,
            "name": each.name,
            "expected": each.expected and each.expected.create,
            "found": each.found and each.found.create,
        }
        for each in differences
    ]
    answer = {"environment": target.name, "against": other, "drift": bool(found)}
    return json.dumps(answer | {"note": note.strip(" ()"), "differences": found}, indent=2)


def as_github(target: Environment, other: str, differences: list[Difference], note: str) -> str:
    """Annotations, a line each; a line break is a code in them."""
    lines = []
    for each in differences:
        text = "\n".join([f"{each.label} {MEANING[each.how]} {other}", *each.lines()])
        escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        lines.append(f"::error title=Schema drift in {target.name}::{escaped}")
    return (
        "\n".join(lines)
        or f"::notice title=No schema drift::{target.name} agrees with {other}{note}"
    )


FORMATS: dict[str, Callable[[Environment, str, list[Difference], str], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
}
