"""Every role gets a privilege, or one role the right to give it to any other."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """What PUBLIC is granted, beyond what PostgreSQL grants it by itself of what is new."""
    for step in file.steps:
        old = {each.object for each in step.old.privileges}
        for each in sorted(step.after.privileges - step.before.privileges):
            usual = each.by_default and (each.object not in old or each in step.old.privileges)
            if usual or each not in file.end.privileges:
                continue
            if each.privilege.endswith(" WITH GRANT OPTION"):
                yield Found(step, each.object, f"gives {each.grantee} {each.privilege}")
            elif each.grantee == "PUBLIC":
                safe = f"GRANT {each.privilege} ON {each.object} TO ...; -- a role"
                yield Found(step, each.object, f"gives {each.privilege} to every role", 0, safe)


RULE = Rule(
    name="grant-to-public",
    group="security",
    title="A privilege for every role, or one to be given on",
    why="PUBLIC is whoever can connect, now and later; who has a grant option may let them in.",
    instead="Grant it to the roles that need it; and revoke again what a function gives that is made again.",
    find=find,
    fires=(
        Example("CREATE TABLE a (x int)", "GRANT SELECT ON a TO PUBLIC"),
        Example("", "GRANT CREATE ON SCHEMA public TO PUBLIC"),
        Example("CREATE TABLE a (x int)", "GRANT SELECT ON a TO pg_monitor WITH GRANT OPTION"),
        Example(
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';"
            " REVOKE EXECUTE ON FUNCTION f FROM PUBLIC",
            "DROP FUNCTION f; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        ),
        Example("", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC"),
    ),
    silent=(
        Example("CREATE TABLE a (x int)", "GRANT SELECT ON a TO pg_monitor"),
        Example("", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    ),
)
