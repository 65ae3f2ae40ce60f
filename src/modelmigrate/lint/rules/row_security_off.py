"""Row security shows rows that were hidden before."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old tables that lose row security, or a policy that nothing takes the place of; and the policies
    that leave out a role."""
    kept = {(each.table, each.name): each for each in file.end.policies.values()}
    for step in file.steps:
        for before, after in step.changed(lambda each: each.relations):
            if before.row_security > after.row_security or before.forced > after.forced:
                yield Found(step, f"TABLE {after.name}", "loses row security", after.oid)
        replaced = [
            (each, kept.get((each.table, each.name)))
            for each in step.gone(lambda each: each.policies)
            if step.is_old(each.table)
        ]
        for policy, end in [*replaced, *step.changed(lambda each: each.policies)]:
            label = f"POLICY {policy.name} on {step.after.name(policy.table)}"
            if not end:
                yield Found(step, label, "is dropped", policy.table)
            elif "-" not in end.roles and not {*policy.roles} <= {*end.roles}:
                names = ", ".join(sorted({*policy.roles} - {*end.roles})).replace("-", "PUBLIC")
                yield Found(step, label, f"is not for {names} any more", policy.table)


RULE = Rule(
    name="row-security-off",
    group="security",
    title="Row security is switched off, or loses a policy",
    why="Roles see rows that were hidden from them; or, where a permissive policy is gone, no longer see"
    " their own.",
    instead="Replace a policy in the same migration. Switch row security off only where every reader may"
    " see every row.",
    find=find,
    has_safe_form=False,
    fires=(
        Example(
            "CREATE TABLE a (x int); ALTER TABLE a ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE a DISABLE ROW LEVEL SECURITY",
        ),
        Example("CREATE TABLE a (x int); CREATE POLICY p ON a USING (x = 1)", "DROP POLICY p ON a"),
        Example(
            "CREATE TABLE a (x int); CREATE POLICY p ON a TO pg_monitor USING (x = 1)",
            "DROP POLICY p ON a; CREATE POLICY p ON a TO pg_checkpoint USING (x = 1)",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int); CREATE POLICY p ON a USING (x = 1)",
            "DROP POLICY p ON a; CREATE POLICY p ON a USING (x = 2)",
        ),
    ),
)
