"""A role loses a privilege."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The privileges on old objects that are gone in the end while their object is not, or is there again."""
    left = {each.object for each in file.end.privileges}
    for step in file.steps:
        for each in sorted(step.before.privileges - step.after.privileges):
            future = each.object.startswith("ALL FUTURE")
            if (
                each not in file.end.privileges
                and each in step.old.privileges
                and each.privilege != "OWNER"
                and (each.object in left or future or step.tag == "REVOKE")
            ):
                yield Found(step, each.object, f"takes {each.privilege} from {each.grantee}")


RULE = Rule(
    name="revoke",
    group="backward-incompatible",
    level=Level.WARN,
    title="A role loses a privilege",
    why="Programs that connect as this role, and use it, fail.",
    instead="Deploy programs first that do without it; grant again what is made again.",
    find=find,
    has_safe_form=False,
    can_wait=True,
    fires=(
        Example(
            "CREATE TABLE a (x int); GRANT SELECT ON a TO pg_monitor",
            "REVOKE SELECT ON a FROM pg_monitor",
        ),
        Example(
            "CREATE VIEW v AS SELECT 1 AS x; GRANT SELECT ON v TO pg_monitor",
            "DROP VIEW v; CREATE VIEW v AS SELECT 2 AS x",
        ),
    ),
    silent=(
        Example("CREATE TABLE a (x int)", "REVOKE SELECT ON a FROM pg_monitor"),
        Example(
            "CREATE VIEW v AS SELECT 1 AS x; GRANT SELECT ON v TO pg_monitor",
            "DROP VIEW v; CREATE VIEW v AS SELECT 2 AS x; GRANT SELECT ON v TO pg_monitor",
        ),
    ),
)
