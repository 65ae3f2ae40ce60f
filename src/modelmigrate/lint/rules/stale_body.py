"""The body of a function names what is not there any more."""

import re
from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile, Step
from modelmigrate.sql.names import split_name, unquote


def find(file: ObservedFile) -> Iterator[Found]:
    """The functions of the end whose bodies have, as words, the name of an old table, or of a column and
    its table, that is gone or called otherwise."""
    names = {bare(each.name) for each in file.end.relations.values()}
    for step in file.steps:
        for label, words in lost_names(step):
            if len(words) == 1 and words <= names:
                continue
            for routine in file.end.routines.values():
                if words <= set(re.findall(r"[^\W\d][\w$]*", routine.body)):
                    yield Found(step, f"FUNCTION {routine.name}", f"names {label}, which is gone")


def lost_names(step: Step) -> Iterator[tuple[str, set[str]]]:
    """What is gone or has another name after a statement, and the words by which a body would name it."""
    for relation in step.gone(lambda each: each.relations):
        if relation.kind in "rpfvm":
            yield relation.name, {bare(relation.name)}
    for before, after in step.changed(lambda each: each.relations):
        if before.name != after.name and before.kind in "rpfvm":
            yield before.name, {bare(before.name)}
    renamed = [
        before
        for before, after in step.changed(lambda each: each.columns)
        if before.name != after.name
    ]
    for column in [*step.gone(lambda each: each.columns), *renamed]:
        if column.table in step.after.relations:
            table = step.before.name(column.table)
            yield f"{table}.{column.name}", {bare(table), unquote(column.name)}


def bare(name: str) -> str:
    """A name without its schema and quotes."""
    return unquote(split_name(name)[1])


RULE = Rule(
    name="stale-body",
    group="stale",
    title="A function names what is gone",
    why="PostgreSQL looks into a body only when it runs: the function fails at its next call.",
    instead="Replace the function in the same migration.",
    find=find,
    fires=(
        Example(
            "CREATE TABLE a (x int); CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS"
            " 'BEGIN RETURN (SELECT x FROM a); END'",
            "ALTER TABLE a RENAME x TO y",
        ),
    ),
    silent=(
        Example(
            "CREATE TABLE a (x int); CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS"
            " 'BEGIN RETURN (SELECT x FROM a); END'",
            "ALTER TABLE a ADD y int",
        ),
    ),
)
