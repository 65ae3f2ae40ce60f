"""Drift as text, as JSON and as annotations."""

import json
from collections.abc import Callable

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.target import Target
from modelmigrate.schema.diff import Change
from modelmigrate.terminal import annotation, say

DESCRIPTIONS = {
    "extra": "exists in the database, but not in",
    "missing": "does not exist in the database, but in",
    "changed": "differs from",
}


def report_drift(
    target: Target, other: str, changes: list[Change], form: str | None, note: str = ""
) -> str:
    """The report where there is no drift.

    Raises:
        MigrateError: there is drift (exit code 2); the report.
    """
    report = REPORT_FORMATS[form or "text"](target, other, changes, note)
    if not changes:
        return report
    if form not in (None, "", "text"):
        say(report)
        report = f"{len(changes)} difference(s)"
    raise MigrateError(report, Exit.DRIFT)


def as_text(target: Target, other: str, changes: list[Change], note: str) -> str:
    """Each change with the lines that differ, and what to type next."""
    if not changes:
        return f"No drift: {target.name} matches {other}{note}."
    lines = [f"Drift: {target.name} differs from {other}{note}:"]
    for change in changes:
        lines.append(f"  {change.how:<8}{change.title}")
        lines += [f"      {line}" for line in change.lines()]
    lines += [f"  - in {other}, + in {target.name}", "Nothing was changed."]
    if other == "its migrations":
        adopt, revert = (
            project.command("drift", env=target.option, fix=fix) for fix in ("adopt", "revert")
        )
        lines.append(f"To keep it: {adopt} (writes a migration)")
        lines.append(f"To revert it: {revert} (prints the SQL; {project.option('yes')} runs it)")
    return "\n".join(lines)


def as_json(target: Target, other: str, changes: list[Change], note: str) -> str:
    """One JSON object; `expected` and `found` are SQL, or null."""
    differences = [
        {
            "how": change.how,
            "kind": change.kind,
            "name": change.name,
            "expected": change.desired and change.desired.create_sql,
            "found": change.current and change.current.create_sql,
        }
        for change in changes
    ]
    report = {"environment": target.name, "against": other, "drift": bool(differences)}
    report |= {"note": note.strip(" ()"), "differences": differences}
    return json.dumps(report, indent=2)


def as_github(target: Target, other: str, changes: list[Change], note: str) -> str:
    """Annotations, a line each; a line break is a code in them."""
    lines = []
    for change in changes:
        text = "\n".join([f"{change.title} {DESCRIPTIONS[change.how]} {other}", *change.lines()])
        lines.append(annotation("error", text, title=f"Schema drift in {target.name}"))
    none = annotation("notice", f"{target.name} matches {other}{note}", title="No schema drift")
    return "\n".join(lines) or none


REPORT_FORMATS: dict[str, Callable[[Target, str, list[Change], str], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
}
