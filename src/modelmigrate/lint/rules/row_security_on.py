"""Row security hides rows that could be read before."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old tables that get row security, or get it for their owner, too."""
    for step in file.steps:
        for before, after in step.changed(lambda each: each.relations):
            if before.row_security < after.row_security or (
                after.row_security and before.forced < after.forced
            ):
                policies = any(each.table == after.oid for each in file.end.policies.values())
                what = "shows only the rows that its policies allow"
                if not policies:
                    what = "shows no row any more: it has row security, and no policy"
                level = Level.WARN if policies else Level.ERROR
                yield Found(step, f"TABLE {after.name}", what, after.oid, "", level)


RULE = Rule(
    name="row-security-on",
    group="backward-incompatible",
    title="Row security is switched on",
    why="Programs that run see and change only what the policies allow, without an error; without a policy"
    " that is nothing.",
    instead="Create the policies in the same migration, and try them as the role of the programs.",
    find=find,
    has_safe_form=False,
    can_wait=True,
    fires=(Example("CREATE TABLE a (x int)", "ALTER TABLE a ENABLE ROW LEVEL SECURITY"),),
    silent=(
        Example(
            "CREATE TABLE a (x int)",
            "CREATE TABLE b (x int); ALTER TABLE b ENABLE ROW LEVEL SECURITY",
        ),
    ),
)
