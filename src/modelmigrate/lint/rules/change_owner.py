"""Something belongs to another role."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old tables, functions and schemas whose owner is another one in the end."""
    for step in file.steps:
        owners = {each.object for each in step.old.privileges if each.privilege == "OWNER"}
        for each in sorted(step.after.privileges - step.before.privileges):
            if (
                each.privilege == "OWNER"
                and each.object in owners
                and each not in step.old.privileges
                and each in file.end.privileges
            ):
                yield Found(step, each.object, f"belongs to {each.grantee} from now on")


RULE = Rule(
    name="change-owner",
    group="security",
    title="Another role owns it",
    why="An owner may read, change and drop it, and grant it to others; row security does not hold for them."
    " The role before has only what it was granted.",
    instead="Grant what the role needs.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int)", "ALTER TABLE a OWNER TO pg_monitor"),
        Example(
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "ALTER FUNCTION f OWNER TO pg_monitor",
        ),
    ),
    silent=(
        Example("CREATE TABLE a (x int)", "ALTER TABLE a OWNER TO CURRENT_USER"),
        Example("", "CREATE TABLE a (x int); ALTER TABLE a OWNER TO pg_monitor"),
    ),
)
