"""A statement that no migration may contain."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile
from modelmigrate.sql.statements import shorten


def find(file: ObservedFile) -> Iterator[Found]:
    """What `apply` refuses, too; it did not run."""
    for step in file.steps:
        if step.refused and not step.tag and not step.error:
            what = f"{step.refused.reason}. {step.refused.cure}"
            yield Found(step, shorten(step.sql), what)


RULE = Rule(
    name="refused-statement",
    group="transaction",
    title="A statement that no migration may contain",
    why="It ends the transaction of the file, or reaches beyond the database: a failure leaves a part of"
    " it behind.",
    instead="Delete it; a file is a transaction already. Leave roles and servers to whoever keeps them.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int)", "BEGIN; ALTER TABLE a ADD y int; COMMIT"),
        Example("", "CREATE ROLE somebody"),
    ),
    silent=(Example("CREATE TABLE a (x int)", "DO $$ BEGIN PERFORM 1; END $$"),),
)
