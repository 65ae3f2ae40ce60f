"""The body of a function names what is not there any more."""

import re
from collections.abc import Iterator

from modelmigrate.lint.rule import Example, Found, Rule
from modelmigrate.lint.steps import ObservedFile, Step
from modelmigrate.sql.names import split_name, unquote


def find(file: ObservedFile) -> Iterator[Found]:
    """The functions of the end whose bodies have, as words, the name of what is gone or called otherwise:
    a table; a column and its table, which a trigger's function need not name; or a function."""
    names = {bare(each.name) for each in file.end.relations.values()}
    for step in file.steps:
        for label, table, words in lost_names(step):
            if len(words) == 1 and words <= names:
                continue
            callees = {each.routine for each in file.end.triggers.values() if each.table == table}
            for routine in file.end.routines.values():
                said = set(re.findall(r"[^\W\d][\w$]*", routine.body))
                if routine.oid in callees and table:
                    said.add(bare(step.before.name(table)))
                if words <= said:
                    what = f"names {label}, which is gone"
                    yield Found(step, f"FUNCTION {routine.name}", what)


def lost_names(step: Step) -> Iterator[tuple[str, int, set[str]]]:
    """What is gone or has another name after a statement; the table that it is of, or 0; and the words
    by which a body would name it."""
    renamed = [
        before
        for before, after in step.changed(lambda each: each.relations)
        if before.name != after.name
    ]
    for relation in [*step.gone(lambda each: each.relations), *renamed]:
        if relation.kind in "rpfvm":
            yield relation.name, 0, {bare(relation.name)}
    columns = [
        before
        for before, after in step.changed(lambda each: each.columns)
        if before.name != after.name
    ]
    for column in [*step.gone(lambda each: each.columns), *columns]:
        if column.table in step.after.relations:
            table = step.before.name(column.table)
            words = {bare(table), unquote(column.name)}
            yield f"{table}.{column.name}", column.table, words
    left = {signature.partition("(")[0] for signature in routine_names(step)}
    for routine in step.gone(lambda each: each.routines):
        name = routine.name.partition("(")[0]
        if name not in left:
            yield routine.name, 0, {bare(name)}


def routine_names(step: Step) -> list[str]:
    """The signatures that are there after a statement."""
    return [each.name for each in step.after.routines.values()]


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
        Example(
            "CREATE TABLE a (x int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN NEW.x := 1; RETURN NEW; END';"
            " CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
            "ALTER TABLE a DROP x",
        ),
        Example(
            "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';"
            " CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN g(); END'",
            "DROP FUNCTION g",
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
