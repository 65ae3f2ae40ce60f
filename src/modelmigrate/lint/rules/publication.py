"""Subscribers get less, or the writers of a published table fail."""

from collections.abc import Iterator

from modelmigrate.lint.catalog import Publication
from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile, Step


def find(file: ObservedFile) -> Iterator[Found]:
    """The old publications that lose something, and the old tables that cannot be updated any more."""
    for step in file.steps:
        for gone in step.gone(lambda each: each.publications):
            if gone.name not in {each.name for each in file.end.publications.values()}:
                yield Found(step, f"PUBLICATION {gone.name}", "is dropped")
        for before, after in step.changed(lambda each: each.publications):
            for lost in losses(step, before, after):
                yield Found(step, f"PUBLICATION {after.name}", lost)
        stuck = {oid for each in step.before.publications.values() for oid in each.stuck}
        for publication in step.after.publications.values():
            for oid in sorted({*publication.stuck} - stuck):
                if step.is_old(oid):
                    what = (
                        f"has no replica identity in publication {publication.name}:"
                        " UPDATE and DELETE fail"
                    )
                    yield Found(step, f"TABLE {step.after.name(oid)}", what, oid)


def losses(step: Step, before: Publication, after: Publication) -> Iterator[str]:
    """What subscribers no longer get, of tables that are still there."""
    if before.name != after.name:
        yield f"was {before.name}, by which subscribers ask for it"
    there = {each.name for each in step.after.relations.values()}
    for table in sorted(there.intersection(before.tables).difference(after.tables)):
        yield f"no longer has {table}"
    for operation in before.operations:
        if operation not in after.operations:
            yield f"no longer tells of {operation}"
    for limit in after.limits:
        if limit not in before.limits and limit.partition(" ")[0] in before.tables:
            yield f"leaves out what is not in {limit}"


RULE = Rule(
    name="publication",
    group="backward-incompatible",
    title="A publication gives less, or stops writers",
    why="Subscribers miss rows without an error, or stop where the publication is gone; without a replica"
    " identity, PostgreSQL refuses UPDATE and DELETE of a published table.",
    instead="Let subscribers go first. Give a table a primary key, or REPLICA IDENTITY USING INDEX, before it"
    " is published.",
    find=find,
    has_safe_form=False,
    fires=(
        Example("CREATE TABLE a (x int); CREATE PUBLICATION p FOR TABLE a", "DROP PUBLICATION p"),
        Example(
            "CREATE TABLE a (x int); CREATE TABLE b (x int); CREATE PUBLICATION p FOR TABLE a, b",
            "ALTER PUBLICATION p DROP TABLE b",
        ),
        Example(
            "CREATE TABLE a (x int); CREATE PUBLICATION p FOR TABLE a",
            "ALTER PUBLICATION p SET (publish = 'insert')",
        ),
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE a",
            "ALTER PUBLICATION p SET TABLE a WHERE (x > 1)",
        ),
        Example("CREATE TABLE a (x int)", "CREATE PUBLICATION p FOR TABLE a"),
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE a",
            "ALTER TABLE a REPLICA IDENTITY NOTHING",
        ),
    ),
    silent=(
        Example("CREATE TABLE a (x int PRIMARY KEY)", "CREATE PUBLICATION p FOR TABLE a"),
        Example(
            "CREATE TABLE a (x int)", "CREATE PUBLICATION p FOR TABLE a WITH (publish = 'insert')"
        ),
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE a",
            "CREATE TABLE b (x int PRIMARY KEY); ALTER PUBLICATION p ADD TABLE b",
        ),
        Example(
            "CREATE TABLE a (x int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE a",
            "ALTER TABLE a ADD y int",
        ),
    ),
)
