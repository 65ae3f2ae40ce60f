"""A setting of the session outlasts its file, or switches checks off."""

import re
from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile, Step

DEFAULT = re.compile(r"\bDEFAULT\b", re.IGNORECASE)
CHECKS = "session_replication_role"


def find(file: ObservedFile) -> Iterator[Found]:
    """What changed by whom later statements run, where they find names, or whether triggers run."""
    for step in file.steps:
        for name, value in step.settings.items():
            if name == CHECKS and value == "replica":
                what = (
                    "is replica: no trigger runs, and no foreign key is checked, for what follows"
                )
                yield Found(step, f"SETTING {name}", what)
            elif name in file.kept_settings and step.old.relations and is_last(file, name, step):
                what = f"stays {value} for the files that follow in the same run"
                yield Found(step, f"SETTING {name}", what)


def is_last(file: ObservedFile, name: str, step: Step) -> bool:
    """Whether no later statement gives the setting another value, and this one not the usual one."""
    usual = step.tag == "RESET" or DEFAULT.search(step.sql)
    return not usual and [each for each in file.steps if name in each.settings][-1] is step


RULE = Rule(
    name="session-setting",
    group="transaction",
    level=Level.WARN,
    title="A setting that outlasts its file, or switches checks off",
    why="Files that are applied in one run share a session: what follows finds other names, or runs with"
    " other rights, but only where it is applied together with this file.",
    instead="SET LOCAL, which ends with the transaction; or write names with their schema. Leave triggers"
    " and foreign keys on.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int)", "SET search_path = pg_catalog"),
        Example("CREATE TABLE a (x int)", "SELECT set_config('search_path', '', false)"),
        Example("CREATE TABLE a (x int)", "SET ROLE pg_monitor"),
        Example("CREATE TABLE a (x int)", "SET LOCAL session_replication_role = replica"),
    ),
    silent=(
        Example("CREATE TABLE a (x int)", "SET LOCAL search_path = pg_catalog"),
        Example("CREATE TABLE a (x int)", "SET search_path = pg_catalog; RESET search_path"),
        Example("CREATE TABLE a (x int)", "SET lock_timeout = '2s'"),
    ),
)
