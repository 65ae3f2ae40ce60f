"""A view reads with other rights, or lets functions look at what it hides."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile

# As SET writes it, and what it means that it is gone.
WHAT = {
    "invoker": (
        "security_invoker = true",
        "reads with the rights of its owner, and no longer of who asks",
    ),
    "barrier": ("security_barrier = true", "lets functions of a query see the rows that it hides"),
    "checked": ("check_option = cascaded", "takes rows that it does not show"),
}


def find(file: ObservedFile) -> Iterator[Found]:
    """The old views that lose such an option, by the same name in the end."""
    ends = {each.name: each for each in file.end.relations.values() if each.kind == "v"}
    for step in file.steps:
        changed = [before for before, _ in step.changed(lambda each: each.relations)]
        for before in [*step.gone(lambda each: each.relations), *changed]:
            end = ends.get(before.name)
            now = step.after.relations.get(before.oid)
            for option, (setting, what) in WHAT.items():
                lost = getattr(before, option) and not (now and getattr(now, option))
                if before.kind == "v" and lost and end and not getattr(end, option):
                    safe = f"ALTER VIEW {end.name} SET ({setting});"
                    yield Found(step, f"VIEW {end.name}", what, 0, safe)


RULE = Rule(
    name="view-options",
    group="security",
    title="A view loses security_invoker, security_barrier or its check option",
    why="Whoever may use the view reads tables that they have no rights on, or reads or writes rows that it leaves"
    " out.",
    instead="Create it with the options that it had; CREATE OR REPLACE VIEW forgets them.",
    find=find,
    fires=(
        Example(
            "CREATE TABLE a (x int); CREATE VIEW v WITH (security_invoker = true) AS SELECT * FROM a",
            "ALTER VIEW v RESET (security_invoker)",
        ),
        Example(
            "CREATE TABLE a (x int);"
            " CREATE VIEW v AS SELECT * FROM a WHERE x > 1 WITH CASCADED CHECK OPTION",
            "CREATE OR REPLACE VIEW v AS SELECT * FROM a WHERE x > 1",
        ),
        Example(
            "CREATE TABLE a (x int); CREATE VIEW v WITH (security_barrier) AS SELECT * FROM a WHERE x > 1",
            "DROP VIEW v; CREATE VIEW v AS SELECT * FROM a WHERE x > 1",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int); CREATE VIEW v WITH (security_invoker = true) AS SELECT * FROM a",
            "DROP VIEW v; CREATE VIEW v WITH (security_invoker = on) AS SELECT x FROM a",
        ),
        Example(
            "CREATE TABLE a (x int); CREATE VIEW v AS SELECT * FROM a",
            "ALTER VIEW v SET (security_invoker = true)",
        ),
    ),
)
