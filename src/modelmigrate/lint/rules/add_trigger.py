"""A trigger or a rule runs on an existing table, or for every change of the schema."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The new triggers and rules of old tables, unless one of that name was there."""
    for step in file.steps:
        names = {(each.table, each.name) for each in step.old.triggers.values()}
        for trigger in step.made(lambda each: each.triggers):
            if not trigger.table:
                what = "runs for every change of the schema from now on"
                yield Found(step, f"EVENT TRIGGER {trigger.name}", what)
                continue
            table = step.after.relations[trigger.table]
            if (
                step.is_old(trigger.table)
                and trigger.enabled not in ("D", "R")
                and table.is_table
                and not step.follows_parent(table.oid)
                and (trigger.table, trigger.name) not in names
            ):
                is_rule = trigger.definition.startswith("CREATE RULE")
                label = f"{'RULE' if is_rule else 'TRIGGER'} {trigger.name} on {table.name}"
                what = "runs for every row or statement from now on"
                yield Found(step, label, what, table.oid)


RULE = Rule(
    name="add-trigger",
    group="lock",
    level=Level.WARN,
    title="A trigger or a rule on a table that is in use",
    why="Every write runs it, too, and fails where it fails; writers wait while it is made.",
    instead="See what it costs on a copy with as many rows. Make it in a migration of its own.",
    find=find,
    has_safe_form=False,
    fires=(
        Example(
            "CREATE TABLE a (x int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN RETURN NEW; END'",
            "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
        ),
        Example("CREATE TABLE a (x int)", "CREATE RULE r AS ON INSERT TO a DO INSTEAD NOTHING"),
        Example(
            "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
            "CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION f()",
        ),
    ),
    silent=(
        Example(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "CREATE TABLE a (x int);"
            " CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
        ),
    ),
)
