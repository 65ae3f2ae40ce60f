"""What to do about drift: keep it as a migration, or revert it."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from modelmigrate.drift.compare import diff_ignoring
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.data_loss import count_lost_rows, find_data_loss, require_accepted
from modelmigrate.migrations.down_files import generate_down
from modelmigrate.migrations.execute import execute_script
from modelmigrate.migrations.files import file_names, write_migrations
from modelmigrate.migrations.revisions import MigrationStatus
from modelmigrate.migrations.verify import verify_schema
from modelmigrate.planning.plan import plan_schema_change
from modelmigrate.planning.proof import verified_script
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.environments import Environment, confirm
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import rebuild_schema
from modelmigrate.sql.statements import replace_outside_quotes, strip_comments

# What finds itself done already, on a database where that was done by hand.
IF_EXISTS_FORMS = {
    "(ADD (?:COLUMN|VALUE) )": r"\1IF NOT EXISTS ",
    "(CREATE (?:(?:UNIQUE )?INDEX|TABLE|SEQUENCE|SCHEMA|STATISTICS) )": r"\1IF NOT EXISTS ",
    "(DROP (?:COLUMN|CONSTRAINT|INDEX|TABLE|TYPE) )": r"\1IF EXISTS ",
}
UNSAFE_TO_REPEAT = re.compile(r"\b(ADD (?!COLUMN)|ATTACH|DETACH|OWNER TO|RENAME)")
GUARD_BLOCK = """DO $adopt$ BEGIN
  %s
EXCEPTION
  WHEN duplicate_object OR duplicate_table OR duplicate_function OR duplicate_schema
    OR invalid_table_definition OR wrong_object_type OR object_not_in_prerequisite_state
    THEN NULL; -- done already
  WHEN undefined_object THEN RAISE NOTICE 'left out: %', SQLERRM;
END $adopt$;"""


def adopt(
    target: Environment, status: MigrationStatus, files: str, _allow_loss: str | None, _yes: bool
) -> str:
    """Write a migration that makes a change by hand everybody's. It can be repeated, since it will
    run on the drifted database, too."""
    if status.pending:
        raise MigrateError(
            f"{len(status.pending)} migration(s) are pending. Nothing was written. Apply them first:"
            " make migrate",
            Exit.REFUSED,
        )
    with clone_of_live_schema(target, files) as (drifted, goal, invalid):
        if invalid:
            listing = "\n".join(invalid)
            raise MigrateError(
                "an INVALID index cannot be adopted. Nothing was written. Remove it, or rebuild it"
                f" by REINDEX INDEX CONCURRENTLY:\n{listing}",
                Exit.REFUSED,
            )
        with scratch_database(files) as work:
            statements = [make_idempotent(each) for each in plan_schema_change(work, drifted, goal)]
        script = verified_script(statements, [files, drifted], goal)
    text = (
        f"-- Adopts a change made by hand: runs where it was made, and where it was not.\n{script}"
    )
    with scratch_database(files) as after:
        with closing(connect(after)) as connection:
            connection.execute(script.encode())
        back = generate_down(files, after)
    [name] = file_names("adopt", [text])
    [written] = write_migrations({name: text}, [back])
    return (
        f"{text}\nwritten: migrations/{written.name}\nApply it: make migrate. Then declare it, in the"
        " models or by make schema-declare, or the next migrate-create takes it back."
    )


def revert(
    target: Environment, _status: MigrationStatus, files: str, allow_loss: str | None, yes: bool
) -> str:
    """Show the SQL that undoes a change made by hand; run it when that is confirmed."""
    with clone_of_live_schema(target, files) as (drifted, _, invalid):
        goal = read_schema(files)
        with scratch_database(drifted) as work:
            script = verified_script(plan_schema_change(work, files, goal), [drifted], goal)
        script = "\n".join([*invalid, script])
        print(f"{script}\n", flush=True)
        lost = count_lost_rows(target.url, find_data_loss(drifted, script), script, allow_loss)
    if not yes:
        return "Nothing was changed. Run this yourself, or have it run: add yes=1"
    require_accepted(lost)
    confirm(target, "undo what was changed by hand", yes=yes)
    execute_script(target.url, script, [])
    verify_schema(target, goal, "Something else changed meanwhile.")
    return f"{target.name} is as its migrations make it again"


RESOLUTIONS: dict[str, Callable[[Environment, MigrationStatus, str, str | None, bool], str]] = {
    "adopt": adopt,
    "revert": revert,
}


@contextmanager
def clone_of_live_schema(
    target: Environment, files: str
) -> Iterator[tuple[str, Schema, list[str]]]:
    """A scratch database with the schema of the live one, that schema, and the statements that drop
    its INVALID indexes. What is ignored is as in the files."""
    live, expected = read_schema(target.url), read_schema(files)
    invalid = [entry.drop_sql for entry in live.values() if entry.kind == "INVALID INDEX"]
    schema = {label: entry for label, entry in live.items() if entry.kind != "INVALID INDEX"}
    kept = {each.label for each in diff_ignoring(expected, schema)}
    for each in diff(expected, schema):
        if each.label not in kept:
            schema.pop(each.label, None)
            if each.desired:
                schema[each.label] = each.desired
    with rebuild_schema(schema) as copy:
        if differences := diff(schema, read_schema(copy)):
            raise MigrateError(
                "the schema cannot be made anew here, so that no remedy can be proven:"
                f" {', '.join(each.label for each in differences)}. Nothing was changed."
            )
        yield copy, schema, invalid


def make_idempotent(statement: str) -> str:
    """The statement in a form that does no harm where it was run already."""
    for words in IF_EXISTS_FORMS:
        statement = replace_outside_quotes(statement, rf"\b{words}(?!IF )", IF_EXISTS_FORMS[words])
    code = strip_comments(statement)
    safe = re.match(r"CREATE OR REPLACE|CREATE .*? IF NOT EXISTS|DROP|COMMENT", code)
    harmless = code.startswith("ALTER TABLE") and not UNSAFE_TO_REPEAT.search(code)
    if (safe or harmless) and "BEGIN ATOMIC" not in code:
        return statement
    guard = GUARD_BLOCK
    if " DETACH PARTITION " in code:  # which says so of what is detached already
        guard = GUARD_BLOCK.replace("duplicate_table", "undefined_table")
    return guard.replace("%s", code, 1)
