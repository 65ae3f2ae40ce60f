"""A sequence gives numbers a second time, or fewer of them."""

import re
from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile, Step

# To set a sequence that was never used to its start changes nothing that could be seen.
MOVES = re.compile(r"\b(RESTART|setval)\b", re.IGNORECASE)


def find(file: ObservedFile) -> Iterator[Found]:
    """The old sequences that go back, or stay, by a number that is not taken from rows; and those that end
    earlier."""
    for step in file.steps:
        for oid, before in step.before.sequences.items():
            after = step.after.sequences.get(oid)
            if not after or oid not in step.old.sequences:
                continue
            label = f"SEQUENCE {step.after.name(oid)}"
            ahead = (after.next - before.next) * after.increment
            moved = after != before or (oid in step.locks and MOVES.search(step.sql))
            if moved and ahead <= 0 and is_literal(step) and MOVES.search(step.sql):
                yield Found(step, label, f"gives {after.next} next, whatever the rows have by then")
            if after.increment > 0 and after.maximum < before.maximum:
                yield Found(step, label, f"ends at {after.maximum}")


def is_literal(step: Step) -> bool:
    """Whether no row was read; of TRUNCATE, there is none left."""
    read = any("Relation Name" in node for plan in step.plans for node in plan)
    return not read and step.tag != "TRUNCATE TABLE"


RULE = Rule(
    name="sequence-back",
    group="data-dependent",
    level=Level.WARN,
    title="A sequence that goes back, or ends earlier",
    why="It gives numbers that rows have already, and every INSERT fails until it is past them; or it has"
    " none left.",
    instead="Set it by the rows: SELECT setval('...', (SELECT max(id) FROM ...)).",
    find=find,
    fires=(
        Example("CREATE SEQUENCE s", "ALTER SEQUENCE s RESTART"),
        Example("CREATE SEQUENCE s", "SELECT setval('s', 1, false)"),
        Example("CREATE SEQUENCE s; SELECT nextval('s'), nextval('s')", "SELECT setval('s', 1)"),
        Example(
            "CREATE TABLE a (x int GENERATED ALWAYS AS IDENTITY)",
            "ALTER TABLE a ALTER x RESTART WITH 1",
        ),
        Example("CREATE SEQUENCE s", "ALTER SEQUENCE s AS smallint MAXVALUE 99"),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x serial)",
            "SELECT setval('a_x_seq', coalesce((SELECT max(x) FROM a), 1), false)",
        ),
        Example("CREATE SEQUENCE s", "SELECT setval('s', 1000)"),
        Example("CREATE SEQUENCE s", "ALTER SEQUENCE s INCREMENT BY 10 CACHE 5"),
        Example("CREATE SEQUENCE s", "SELECT nextval('s')"),
        Example("", "CREATE SEQUENCE s; ALTER SEQUENCE s RESTART WITH 1"),
    ),
)
