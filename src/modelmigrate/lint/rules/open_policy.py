"""A policy lets everybody see or write every row."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The new or changed policies whose condition is `true`, where the table had other ones; and those that
    are for everybody from now on."""
    for step in file.steps:
        guarded = {each.table for each in step.old.policies.values() if not each.open}
        changed = step.changed(lambda each: each.policies)
        opened = [after for before, after in changed if not before.open]
        for policy in [*step.made(lambda each: each.policies), *opened]:
            if policy.open and policy.table in guarded and policy.oid in file.end.policies:
                label = f"POLICY {policy.name} on {step.after.name(policy.table)}"
                yield Found(step, label, "lets every row pass, whatever the other policies say")
        for before, after in changed:
            if after.definition.startswith("t") and "-" in {*after.roles} - {*before.roles}:
                label = f"POLICY {after.name} on {step.after.name(after.table)}"
                yield Found(step, label, "is for every role from now on")


RULE = Rule(
    name="open-policy",
    group="security",
    title="A policy that lets every row, or every role, pass",
    why="Permissive policies are joined by OR: one that is always true makes the others of the table void, and"
    " one for PUBLIC lets in whoever can connect.",
    instead="Say whose rows it is about, and TO which role; or make it AS RESTRICTIVE.",
    find=find,
    fires=(
        Example(
            "CREATE TABLE a (x int); CREATE POLICY p ON a USING (x = 1)",
            "CREATE POLICY q ON a FOR SELECT USING (true)",
        ),
        Example(
            "CREATE TABLE a (x int); CREATE POLICY p ON a USING (x = 1)",
            "ALTER POLICY p ON a USING (true)",
        ),
        Example(
            "CREATE TABLE a (x int); CREATE POLICY p ON a TO pg_monitor USING (x = 1)",
            "ALTER POLICY p ON a TO PUBLIC",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int); CREATE POLICY p ON a USING (x = 1)",
            "CREATE POLICY q ON a AS RESTRICTIVE USING (true)",
        ),
        Example(
            "CREATE TABLE a (x int); CREATE POLICY p ON a USING (x = 1)",
            "CREATE POLICY q ON a FOR SELECT USING (x = 2)",
        ),
    ),
)
