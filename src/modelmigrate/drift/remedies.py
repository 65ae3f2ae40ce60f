"""What to do about drift: keep it as a migration, or revert it."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from modelmigrate.drift import compare
from modelmigrate.errors import Exit, ToolError
from modelmigrate.migrations import down_files
from modelmigrate.migrations.data_loss import count_losses, lost_rows, require_given_up
from modelmigrate.migrations.execute import run
from modelmigrate.migrations.files import file_names, write
from modelmigrate.migrations.revisions import History
from modelmigrate.migrations.verify import require_same
from modelmigrate.planning.plan import plan
from modelmigrate.planning.proof import proven
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.environments import Environment, confirm
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema import diff
from modelmigrate.schema.diff import Schema
from modelmigrate.schema.dump import read
from modelmigrate.schema.rebuild import rebuilt
from modelmigrate.sql import statements as statements_
from modelmigrate.sql.statements import outside_quotes

# What finds itself done already, on a database where that was done by hand.
REPEATABLE = {
    "(ADD (?:COLUMN|VALUE) )": r"\1IF NOT EXISTS ",
    "(CREATE (?:(?:UNIQUE )?INDEX|TABLE|SEQUENCE|SCHEMA|STATISTICS) )": r"\1IF NOT EXISTS ",
    "(DROP (?:COLUMN|CONSTRAINT|INDEX|TABLE|TYPE) )": r"\1IF EXISTS ",
}
HARMFUL = re.compile(r"\b(ADD (?!COLUMN)|ATTACH|DETACH|OWNER TO|RENAME)")
GUARD = """DO $adopt$ BEGIN
  %s
EXCEPTION
  WHEN duplicate_object OR duplicate_table OR duplicate_function OR duplicate_schema
    OR invalid_table_definition OR wrong_object_type OR object_not_in_prerequisite_state
    THEN NULL; -- done already
  WHEN undefined_object THEN RAISE NOTICE 'left out: %', SQLERRM;
END $adopt$;"""


def adopt(
    target: Environment, story: History, files: str, _allow_loss: str | None, _yes: bool
) -> str:
    """Write a migration that makes a change by hand everybody's. It can be repeated, since it will
    run on the drifted database, too."""
    if story.pending:
        raise ToolError(
            f"{len(story.pending)} migration(s) are pending. Nothing was written. Apply them first:"
            " make migrate",
            Exit.REFUSED,
        )
    with copied(target, files) as (drifted, goal, invalid):
        if invalid:
            listing = "\n".join(invalid)
            raise ToolError(
                "an INVALID index cannot be adopted. Nothing was written. Remove it, or rebuild it"
                f" by REINDEX INDEX CONCURRENTLY:\n{listing}",
                Exit.REFUSED,
            )
        with scratch_database(files) as work:
            statements = [repeatable(each) for each in plan(work, drifted, goal)]
        script = proven(statements, [files, drifted], goal)
    text = (
        f"-- Adopts a change made by hand: runs where it was made, and where it was not.\n{script}"
    )
    with scratch_database(files) as after:
        with closing(connect(after)) as connection:
            connection.execute(script.encode())
        back = down_files.text(files, after)
    [name] = file_names("adopt", [text])
    [written] = write({name: text}, [back])
    return (
        f"{text}\nwritten: migrations/{written.name}\nApply it: make migrate. Then declare it, in the"
        " models or by make schema-declare, or the next migrate-create takes it back."
    )


def revert(
    target: Environment, _story: History, files: str, allow_loss: str | None, yes: bool
) -> str:
    """Show the SQL that undoes a change made by hand; run it when that is confirmed."""
    with copied(target, files) as (drifted, _, invalid):
        goal = read(files)
        with scratch_database(drifted) as work:
            script = proven(plan(work, files, goal), [drifted], goal)
        script = "\n".join([*invalid, script])
        print(f"{script}\n", flush=True)
        lost = count_losses(target.url, lost_rows(drifted, script), script, allow_loss)
    if not yes:
        return "Nothing was changed. Run this yourself, or have it run: add yes=1"
    require_given_up(lost)
    confirm(target, "undo what was changed by hand", yes=yes)
    run(target.url, script, [])
    require_same(target, goal, "Something else changed meanwhile.")
    return f"{target.name} is as its migrations make it again"


FIXES: dict[str, Callable[[Environment, History, str, str | None, bool], str]] = {
    "adopt": adopt,
    "revert": revert,
}


@contextmanager
def copied(target: Environment, files: str) -> Iterator[tuple[str, Schema, list[str]]]:
    """A scratch database with the schema of the live one, that schema, and the statements that drop
    its INVALID indexes. What is ignored is as in the files."""
    live, expected = read(target.url), read(files)
    invalid = [entry.drop for entry in live.values() if entry.kind == "INVALID INDEX"]
    schema = {label: entry for label, entry in live.items() if entry.kind != "INVALID INDEX"}
    kept = {each.label for each in compare.compare(expected, schema)}
    for each in diff.compare(expected, schema):
        if each.label not in kept:
            schema.pop(each.label, None)
            if each.expected:
                schema[each.label] = each.expected
    with rebuilt(schema) as copy:
        if differences := diff.compare(schema, read(copy)):
            raise ToolError(
                "the schema cannot be made anew here, so that no remedy can be proven:"
                f" {', '.join(each.label for each in differences)}. Nothing was changed."
            )
        yield copy, schema, invalid


def repeatable(statement: str) -> str:
    """The statement in a form that does no harm where it was run already."""
    for words in REPEATABLE:
        statement = outside_quotes(statement, rf"\b{words}(?!IF )", REPEATABLE[words])
    code = statements_.code(statement)
    safe = re.match(r"CREATE OR REPLACE|CREATE .*? IF NOT EXISTS|DROP|COMMENT", code)
    harmless = code.startswith("ALTER TABLE") and not HARMFUL.search(code)
    if (safe or harmless) and "BEGIN ATOMIC" not in code:
        return statement
    guard = GUARD
    if " DETACH PARTITION " in code:  # which says so of what is detached already
        guard = GUARD.replace("duplicate_table", "undefined_table")
    return guard.replace("%s", code, 1)
