"""Every role gets a privilege."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """What PUBLIC is granted, beyond what PostgreSQL grants it by itself."""
    for step in file.steps:
        for each in sorted(step.after.privileges - step.before.privileges):
            if each.grantee == "PUBLIC" and not each.by_default and each in file.end.privileges:
                safe = f"GRANT {each.privilege} ON {each.object} TO ...; -- a role"
                yield Found(step, each.object, f"gives {each.privilege} to every role", 0, safe)


RULE = Rule(
    name="grant-to-public",
    group="security",
    title="A privilege for every role",
    why="PUBLIC is whoever can connect, now and later.",
    instead="Grant it to the roles that need it.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int)", "GRANT SELECT ON a TO PUBLIC"),
        Example("", "GRANT CREATE ON SCHEMA public TO PUBLIC"),
        Example("", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC"),
    ),
    silent=(
        Example("CREATE TABLE a (x int)", "GRANT SELECT ON a TO pg_monitor"),
        Example("", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    ),
)
