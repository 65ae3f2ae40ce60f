"""What the rules find in files that were run, weighed and compared with what the files allow."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.lint.levels import LevelOf, lowered
from modelmigrate.lint.rule import BREAKING, Found, Level, Rule, lock_line
from modelmigrate.lint.rules import RULES
from modelmigrate.lint.sizes import Size
from modelmigrate.lint.steps import ObservedFile
from modelmigrate.lint.waivers import Waiver, is_ignored, is_meant, waivers

# What a down migration is for is to drop what was made; what it costs is worth a line.
IN_DOWN = ("destructive", "data-dependent", "lock", "concurrent-index", "transaction")


class Finding(NamedTuple):
    """One danger, at one place."""

    rule: str
    group: str
    level: Level
    file: str
    line: int
    object: str
    what: str
    why: str = ""
    lock: str = ""
    size: Size | None = None
    """Of the table, in the database that was asked."""
    instead: str = ""
    sql: str = ""
    """The safe form, to be pasted."""
    allowed: str = ""
    """The reason that the file gives."""

    @property
    def text(self) -> str:
        """In one line, without its place."""
        return f"{self.object} {self.what}"


def find_all(
    files: Iterable[ObservedFile], level: LevelOf, sizes: dict[str, Size]
) -> Iterator[Finding]:
    """The findings in these files, those that are allowed among them."""
    for file in files:
        if not file.steps:
            continue
        left = waivers(file)
        for waiver in [each for each in left if each.problem]:
            yield _of_waiver(file, waiver, waiver.problem, Level.ERROR)
        left = [each for each in left if not each.problem]
        found = [(rule, each) for rule in RULES for each in rule.find(file)]
        for rule, each in sorted(found, key=lambda pair: pair[1].step.line):
            weight = level(rule, each)
            if file.is_down:
                weight = min(weight, Level.NOTE if rule.group in IN_DOWN else Level.OFF)
            if rule.group == BREAKING and file.phase == "contract":
                weight = min(weight, Level.NOTE)
            if weight == Level.OFF or is_ignored(file, each.step, rule) or is_meant(file, each):
                continue
            given = next((w for w in left if w.rule == rule.name and w.step is each.step), None)
            if given:
                left.remove(given)
            size = sizes.get(each.step.before.name(each.table))
            weight = lowered(weight, rule, size.rows if size else None)
            yield _finding(file, rule, each, weight, size, given.reason if given else "")
        for waiver in left:
            if not file.is_down:
                yield _of_waiver(file, waiver, f"of {waiver.rule} allows nothing here", Level.NOTE)


def _finding(
    file: ObservedFile, rule: Rule, found: Found, level: Level, size: Size | None, allowed: str
) -> Finding:
    lock = lock_line(found)
    return Finding(
        rule.name, rule.group, level, file.name, found.step.line, found.object, found.what, rule.why,
        lock, size, rule.instead, found.instead, allowed,
    )  # fmt: skip


def _of_waiver(file: ObservedFile, waiver: Waiver, problem: str, level: Level) -> Finding:
    line = waiver.step.line
    cure = f"Write: -- lint:allow RULE reason. All rules: {project.command('lint', explain='all')}"
    return Finding(
        "lint-allow", "transaction", level, file.name, line, "lint:allow", problem, instead=cure
    )
