"""What a new migration takes away from older programs, and can wait for until none of them runs."""

from modelmigrate.atlas.directory import TXMODE_NONE
from modelmigrate.lint.observe import Observer
from modelmigrate.lint.rule import BREAKING, Rule
from modelmigrate.lint.rules import RULES
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.sql.patterns import CONCURRENTLY
from modelmigrate.sql.statements import strip_comments

Place = tuple[int, int]  # of a statement: the number of its group, and its own there


def statements_that_can_wait(url: str, groups: list[list[str]]) -> set[Place]:
    """Those of the statements that break older programs while the next version of the programs does without
    what they take away, and those that are harmless beside them alone. Each group is a migration; `url` is
    the scratch database that they are for, which is left as it is."""
    numbered = [dict(enumerate(group)) for group in groups]
    can_wait = [rule for rule in RULES if rule.can_wait]
    if not (waiting := set(_findings(url, numbered, can_wait).values())):
        return waiting
    breaking = [rule for rule in RULES if rule.group == BREAKING]
    known = _findings(url, numbered, breaking).keys()
    while True:
        rest = [
            {i: statement for i, statement in group.items() if (number, i) not in waiting}
            for number, group in enumerate(numbered)
        ]
        found = _findings(url, rest, breaking)
        if not (more := {found[what] for what in found.keys() - known}):
            return waiting
        waiting |= more


def _findings(
    url: str, groups: list[dict[int, str]], rules: list[Rule]
) -> dict[tuple[str, str], Place]:
    """What these rules find, by rule and object, each with the place of its statement; up to the first
    migration that fails."""
    findings: dict[tuple[str, str], Place] = {}
    with scratch_database(url) as copy, Observer(copy, url) as observer:
        for number, group in enumerate(groups):
            script = "\n".join(group.values())
            alone = CONCURRENTLY.match(strip_comments(script))
            file = observer.run("", f"{TXMODE_NONE}{script}" if alone else script)
            if not file.steps:
                continue
            if not file.ran:
                break
            lines = [i for i, statement in group.items() for _ in statement.split("\n")]
            skipped = TXMODE_NONE.count("\n") * bool(alone)
            for rule in rules:
                for each in rule.find(file):
                    place = number, lines[each.step.line - 1 - skipped]
                    findings[rule.name, each.object] = place
    return findings
