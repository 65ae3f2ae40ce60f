"""Findings as people, pipelines and merge requests read them."""

import hashlib
import json
from collections.abc import Callable

from modelmigrate.errors import MigrateError
from modelmigrate.git import git
from modelmigrate.lint.findings import Finding
from modelmigrate.lint.rule import Level
from modelmigrate.terminal import annotation, fenced, markdown

Report = Callable[[list[Finding], list[str]], str]

NAMES = {Level.ERROR: "error", Level.WARN: "warning", Level.NOTE: "note"}
GITHUB = {Level.ERROR: "error", Level.WARN: "warning", Level.NOTE: "notice"}
GITLAB = {Level.ERROR: "major", Level.WARN: "minor", Level.NOTE: "info"}


def counts(findings: list[Finding]) -> str:
    """How many there are of each level, in words."""
    groups = {
        name: sum(1 for each in findings if each.level == level and not each.allowed)
        for level, name in NAMES.items()
    }
    groups["allowed"] = sum(1 for each in findings if each.allowed)
    told = [
        f"{count} {name}{'s' * (count > 1 and name != 'allowed')}"
        for name, count in groups.items()
        if count
    ]
    return ", ".join(told) or "no findings"


def as_text(findings: list[Finding], files: list[str]) -> str:
    """For a terminal: each with its reason and its cure; what is allowed, and what is worth a note only,
    in a line."""
    lines: list[str] = []
    for each in findings:
        place = f"{each.file}:{each.line}:"
        if each.allowed:
            lines.append(f"{place} allowed {each.rule}: {each.text} ({each.allowed})")
            continue
        lines.append(f"{place} {NAMES[each.level]} {each.rule}: {each.text}")
        if each.level == Level.NOTE:
            continue
        lines += [f"    {text}" for text in details(each)]
        lines += [f"        {text}" for text in each.sql.splitlines()]
    summary = f"{counts(findings)} in {', '.join(files) or 'any new migration'}"
    return "\n".join([*lines, summary])


def details(finding: Finding) -> list[str]:
    """Why it hurts, what it locks, how large the table is, and what to do."""
    return list(
        filter(
            None,
            [
                finding.why,
                finding.lock and f"Lock: {finding.lock}.",
                finding.size and f"Size: {finding.size}.",
                finding.instead and f"Instead: {finding.instead}",
            ],
        )
    )


def as_json(findings: list[Finding], files: list[str]) -> str:
    """For programs."""
    rows = [
        {
            **each._asdict(),
            "level": NAMES[each.level],
            "size": each.size._asdict() if each.size else None,
            "allowed": each.allowed or None,
        }
        for each in findings
    ]
    return json.dumps({"files": files, "findings": rows}, indent=2, ensure_ascii=False)


def as_github(findings: list[Finding], files: list[str]) -> str:
    """Annotations of GitHub Actions, a line each."""
    lines = []
    for each in findings:
        if not each.allowed:
            text = "\n".join([each.text, *details(each), *each.sql.splitlines()])
            place: dict[str, object] = {
                "file": prefix() + each.file,
                "line": each.line,
                "title": each.rule,
            }
            lines.append(annotation(GITHUB[each.level], text, **place))
    return "\n".join([*lines, f"{counts(findings)} in {', '.join(files) or 'any new migration'}"])


def as_gitlab(findings: list[Finding], _files: list[str]) -> str:
    """A code quality report of GitLab CI."""
    rows = [
        {
            "description": f"{each.text}. {' '.join(details(each))}".strip(),
            "check_name": each.rule,
            "fingerprint": hashlib.sha256(
                f"{each.rule} {each.file} {each.object} {each.line}".encode()
            ).hexdigest(),
            "severity": GITLAB[each.level],
            "location": {"path": prefix() + each.file, "lines": {"begin": each.line}},
        }
        for each in findings
        if not each.allowed
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def as_markdown(findings: list[Finding], files: list[str]) -> str:
    """For the summary of a pipeline or a comment."""
    lines = [f"### Migration lint: {counts(findings)}", ""]
    lines.append(", ".join(f"`{name}`" for name in files))
    for each in findings:
        how = "allowed" if each.allowed else NAMES[each.level]
        lines += ["", f"**{how}** `{each.rule}` {markdown(each.text)} ({each.file}:{each.line})"]
        if each.allowed:
            lines.append(f"Reason: {markdown(each.allowed)}")
        elif each.level > Level.NOTE:
            lines += ["", *(f"- {markdown(text)}" for text in details(each))]
            if each.sql:
                lines += ["", fenced("sql", each.sql)]
    return "\n".join(lines)


def prefix() -> str:
    """The project's folder in its repository, with a slash; empty at the top, and without one."""
    try:
        return git("rev-parse", "--show-prefix").strip()
    except MigrateError:
        return ""


FORMATS: dict[str, Report] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
    "gitlab": as_gitlab,
    "markdown": as_markdown,
}
