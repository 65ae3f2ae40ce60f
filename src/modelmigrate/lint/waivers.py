"""Findings that a file allows, by a comment above the statement: `-- lint:allow RULE reason`, or as Atlas
has it, `-- atlas:nolint`."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from modelmigrate.expansions.directives import halves_of
from modelmigrate.expansions.sync import added, trigger
from modelmigrate.lint.rule import GROUPS, Found, Rule
from modelmigrate.lint.rules import BY_NAME
from modelmigrate.lint.steps import ObservedFile, Step
from modelmigrate.sql.statements import pieces

ALLOW = re.compile(r"--\s*lint:allow\b[ \t]*(?P<rule>\S*)[ \t]*(?P<reason>.*)")
NOLINT = re.compile(r"--\s*atlas:nolint\b(?P<names>.*)")
# The directives of a whole file: comments at its very top, with a blank line after them.
HEAD = re.compile(r"\A(?:--[^\n]*\n)+(?=\s*\n)")


class Waiver(NamedTuple):
    """A `-- lint:allow` and the statement below it; it allows one finding there."""

    step: Step
    rule: str
    reason: str

    @property
    def problem(self) -> str:
        """What is wrong with it; empty where nothing is."""
        if self.rule not in BY_NAME:
            return f"names no rule: {self.rule or 'nothing'}"
        return "" if self.reason else "gives no reason"


def waivers(file: ObservedFile) -> list[Waiver]:
    """Those of a file, in its order."""
    return [
        Waiver(step, found["rule"], found["reason"].strip())
        for step in file.steps
        for comment in comments_before(step.sql)
        if (found := ALLOW.match(comment))
    ]


def is_meant(file: ObservedFile, found: Found) -> bool:
    """Whether a finding is about what the file changes in two halves, which are made to be safe."""
    return found.object.replace('"', "") in file.in_halves


def labels_in_halves(texts: Iterable[str]) -> frozenset[str]:
    """The labels of findings about what these files of one `create` begin or end."""
    labels = (
        label
        for text in texts
        for _, each in halves_of("", text)
        for table in [f"{each.schema}.{each.table}"]
        for label in (
            f"COLUMN {table}.{each.column}",
            f"COLUMN {table}.{added(each)}",
            f"SEQUENCE {table}_{each.column}_seq",
            f"TRIGGER {trigger(each)} on {table}",
            *(f"{kind} {table}" for kind in ("TABLE", "VIEW") if not each.column),
        )
    )
    return frozenset(each.replace('"', "") for each in labels)


def is_ignored(file: ObservedFile, step: Step, rule: Rule) -> bool:
    """Whether Atlas is told to say nothing of it: for the whole file, or at the statement."""
    head = HEAD.match(file.text)
    above = [*(head[0].splitlines() if head else ()), *comments_before(step.sql)]
    named = {rule.name, rule.group, GROUPS[rule.group].analyzer, *rule.atlas}
    return any(
        not found["names"].split() or named & set(found["names"].split())
        for comment in above
        if (found := NOLINT.match(comment))
    )


def comments_before(sql: str) -> Iterator[str]:
    """The comments above a statement, a line each."""
    for piece in pieces(sql):
        if piece.text.startswith("--"):
            yield piece.text.strip()
        elif piece.text.strip():
            return
