"""A role loses a privilege."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The privileges on old objects that are gone while their object is not."""
    for step in file.steps:
        if step.tag == "REVOKE" or step.tag.startswith("ALTER DEFAULT"):
            for each in sorted(step.before.privileges - step.after.privileges):
                if each not in file.end.privileges and each in step.old.privileges:
                    what = f"takes {each.privilege} from {each.grantee}"
                    yield Found(step, each.object, what)


RULE = Rule(
    name="revoke",
    group="backward-incompatible",
    level=Level.WARN,
    title="A role loses a privilege",
    why="Programs that connect as this role, and use it, fail.",
    instead="Deploy programs first that do without it.",
    find=find,
    has_safe_form=False,
    can_wait=True,
    fires=(
        Example(
            "CREATE TABLE a (x int); GRANT SELECT ON a TO pg_monitor",
            "REVOKE SELECT ON a FROM pg_monitor",
        ),
    ),
    silent=(Example("CREATE TABLE a (x int)", "REVOKE SELECT ON a FROM pg_monitor"),),
)
