"""A trigger or a rule is dropped or switched off."""

from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Level, Rule
from modelmigrate.lint.steps import ObservedFile


def find(file: ObservedFile) -> Iterator[Found]:
    """The old triggers that no longer run in the end, while their table remains."""
    kept = {
        (each.table, each.name)
        for each in file.end.triggers.values()
        if each.enabled not in ("D", "R")
    }
    for step in file.steps:
        off = [
            before
            for before, after in step.changed(lambda each: each.triggers)
            if before.enabled not in ("D", "R") and after.name == before.name
        ]
        for trigger in [*step.gone(lambda each: each.triggers), *off]:
            if step.is_old(trigger.table) and (trigger.table, trigger.name) not in kept:
                kind = "RULE" if trigger.definition.startswith("CREATE RULE") else "TRIGGER"
                label = f"{kind} {trigger.name} on {step.after.name(trigger.table)}"
                yield Found(step, label, "does not run any more", trigger.table)
        # Those of a foreign key are known only where they are switched off.
        keys = [each for each in step.made(lambda c: c.triggers) if each.name.startswith('"RI_')]
        for table in dict.fromkeys(each.table for each in keys if step.is_old(each.table)):
            what = "has foreign keys that are not checked any more"
            yield Found(step, f"TABLE {step.after.name(table)}", what, table)


RULE = Rule(
    name="drop-trigger",
    group="backward-incompatible",
    level=Level.WARN,
    title="A trigger or a rule is dropped or switched off",
    why="What it did for programs, such as an audit or a timestamp, is not done any more.",
    instead="Deploy programs first that do without it.",
    find=find,
    has_safe_form=False,
    can_wait=True,
    fires=(
        Example(
            "CREATE TABLE a (x int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN RETURN NEW; END';"
            " CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
            "DROP TRIGGER t ON a",
        ),
        Example(
            "CREATE TABLE a (x int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN RETURN NEW; END';"
            " CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
            "ALTER TABLE a DISABLE TRIGGER t",
        ),
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (y int REFERENCES a)",
            "ALTER TABLE b DISABLE TRIGGER ALL",
        ),
        Example(
            "CREATE TABLE a (x int); CREATE RULE r AS ON DELETE TO a DO INSTEAD NOTHING",
            "DROP RULE r ON a",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN RETURN NEW; END';"
            " CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
            "CREATE OR REPLACE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f()",
        ),
    ),
)
