"""What to do about drift: adopt it as a migration, or revert it."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.data_loss import count_lost_rows, find_data_loss, require_accepted
from modelmigrate.migrations.down_files import generate_down
from modelmigrate.migrations.execute import execute_script
from modelmigrate.migrations.files import file_names, write_migrations
from modelmigrate.migrations.target import Target
from modelmigrate.migrations.verify import verify_schema
from modelmigrate.planning.plan import plan_schema_change
from modelmigrate.planning.proof import verified_script
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.environments import confirm
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import diff_normalized, rebuild_schema
from modelmigrate.sql.statements import replace_outside_quotes, strip_comments
from modelmigrate.terminal import say

# Forms that do nothing on a database where the change was made by hand.
IF_EXISTS_FORMS = {
    "(ADD (?:COLUMN|VALUE) )": r"\1IF NOT EXISTS ",
    "(CREATE (?:(?:UNIQUE )?INDEX|TABLE|SEQUENCE|SCHEMA|STATISTICS) )": r"\1IF NOT EXISTS ",
    "(DROP (?:ATTRIBUTE|COLUMN|CONSTRAINT|DOMAIN|INDEX|TABLE|TYPE) )": r"\1IF EXISTS ",
}
UNSAFE_TO_REPEAT = re.compile(r"\b(ADD (?!COLUMN)|ATTACH|DETACH|OWNER TO|RENAME)")
# What other statements fail with where they were run already.
ERRORS_WHERE_DONE = {
    " DETACH PARTITION ": "undefined_table",
    " ADD ATTRIBUTE ": "duplicate_column",
    " RENAME ATTRIBUTE ": "undefined_column",
}
GUARD_BLOCK = """DO $adopt$ BEGIN
  %s
EXCEPTION
  WHEN duplicate_object OR duplicate_table OR duplicate_function OR duplicate_schema
    OR invalid_table_definition OR wrong_object_type OR object_not_in_prerequisite_state
    THEN NULL; -- done already
  WHEN undefined_object THEN RAISE NOTICE 'left out: %', SQLERRM;
END $adopt$;"""


def adopt(target: Target, replayed_url: str, _allow_loss: str | None, _yes: bool) -> str:
    """Write a migration that makes a change by hand part of the migrations. It can be repeated, since
    it will run on the drifted database, too."""
    if pending := target.status.pending:
        raise MigrateError(
            f"{len(pending)} migration(s) are pending. No file was written. Apply them first:"
            f" {project.command('apply', env=target.option)}",
            Exit.REFUSED,
        )
    with clone_of_live_schema(target, replayed_url) as (live_url, live, invalid_indexes):
        if invalid_indexes:
            statements = "\n".join(invalid_indexes)
            raise MigrateError(
                "an INVALID index cannot be adopted. No file was written. Drop it, or rebuild it by"
                f" REINDEX INDEX CONCURRENTLY:\n{statements}",
                Exit.REFUSED,
            )
        with scratch_database(replayed_url) as work_url:
            plan = [make_idempotent(each) for each in plan_schema_change(work_url, live_url, live)]
        script, _ = verified_script(plan, [replayed_url, live_url], live)
    text = f"-- Adopts a change made by hand: runs with and without it.\n{script}"
    with scratch_database(replayed_url) as after_url:
        with closing(connect(after_url)) as connection:
            connection.execute(script.encode())
        down = generate_down(replayed_url, after_url)
    [name] = file_names("adopt", [text])
    [written] = write_migrations({name: text}, [down])
    return (
        f"{text}\nwritten: migrations/{written.name}\nApply it: {project.command('apply')}. Then add"
        f" the change to the models, or declare it by {project.command('declare')}: otherwise the next"
        " migration reverts it."
    )


def revert(target: Target, replayed_url: str, allow_loss: str | None, yes: bool) -> str:
    """Print the SQL that reverts a change made by hand; run it when that is confirmed."""
    expected = read_schema(replayed_url)
    with clone_of_live_schema(target, replayed_url) as (live_url, _, invalid_indexes):
        with scratch_database(live_url) as work_url:
            plan = plan_schema_change(work_url, replayed_url, expected)
        script, _ = verified_script(plan, [live_url], expected)
        script = "\n".join([*invalid_indexes, script])
        say(f"{script}\n")
        losses = find_data_loss(live_url, script)
        lost = count_lost_rows(target.url, losses, script)
    if not yes:
        return (
            f"Nothing was changed. Run this SQL yourself, or have it run: {project.option('yes')}"
        )
    require_accepted(lost, allow_loss)
    confirm(target.environment, "revert what was changed by hand", yes=yes)
    execute_script(target, script, [])
    verify_schema(target.refreshed(), expected, "Something else was changed meanwhile.")
    return f"{target.name} matches its migrations again"


RESOLUTIONS: dict[str, Callable[[Target, str, str | None, bool], str]] = {
    "adopt": adopt,
    "revert": revert,
}


@contextmanager
def clone_of_live_schema(
    target: Target, replayed_url: str
) -> Iterator[tuple[str, Schema, list[str]]]:
    """A scratch database with the live schema, that schema, and the statements that drop its INVALID
    indexes. What the project ignores is as in the migrations."""
    live, expected = target.schema, read_schema(replayed_url)
    invalid_indexes = [obj.drop_sql for obj in live.values() if obj.kind == "INVALID INDEX"]
    schema = {label: obj for label, obj in live.items() if obj.kind != "INVALID INDEX"}
    counted = {change.label for change in target.changes_from(expected)}
    for change in diff(expected, schema):
        if change.label not in counted:
            schema.pop(change.label, None)
            if change.desired:
                schema[change.label] = change.desired
    with rebuild_schema(schema) as live_url:
        if changes := diff_normalized(schema, read_schema(live_url)):
            raise MigrateError(
                "the live schema cannot be recreated on a scratch database, so that no fix can be"
                f" verified: {', '.join(change.label for change in changes)}. Nothing was changed."
            )
        yield live_url, schema, invalid_indexes


def make_idempotent(statement: str) -> str:
    """The statement in a form that does no harm where its change was made already."""
    for words in IF_EXISTS_FORMS:
        statement = replace_outside_quotes(statement, rf"\b{words}(?!IF )", IF_EXISTS_FORMS[words])
    code = strip_comments(statement)
    safe = re.match(r"CREATE OR REPLACE|CREATE .*? IF NOT EXISTS|DROP|COMMENT", code)
    harmless = code.startswith("ALTER TABLE") and not UNSAFE_TO_REPEAT.search(code)
    if (safe or harmless) and "BEGIN ATOMIC" not in code:
        return statement
    block = GUARD_BLOCK
    for words, error in ERRORS_WHERE_DONE.items():
        if words in code:
            block = GUARD_BLOCK.replace("duplicate_table", error)
    # In a block, a SELECT has to say that nobody wants its result.
    return block.replace("%s", re.sub(r"\ASELECT ", "PERFORM ", code), 1)
