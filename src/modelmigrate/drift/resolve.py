"""What to do about drift: adopt it as a migration, or revert it."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from modelmigrate import project
from modelmigrate.drift.repeatable import all_or_none, one_by_one
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.data_loss import count_lost_rows, find_data_loss, require_accepted
from modelmigrate.migrations.down_files import State, generate_down
from modelmigrate.migrations.execute import execute_script
from modelmigrate.migrations.files import ProvenFile, write_migrations
from modelmigrate.migrations.target import Target
from modelmigrate.migrations.verify import verify_schema
from modelmigrate.planning.confirm import is_possible
from modelmigrate.planning.context import CannotPlanError
from modelmigrate.planning.plan import plan_schema_change
from modelmigrate.planning.proof import verified_script
from modelmigrate.planning.renames import (
    possible_renames,
    read_names,
    rename_statements,
    shown,
    shown_part,
)
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.environments import confirm
from modelmigrate.postgres.execute import execute_all
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.catalog import catalog_objects
from modelmigrate.schema.diff import Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import diff_normalized, rebuild_schema
from modelmigrate.sql.patterns import ADD_ENUM_VALUE
from modelmigrate.sql.statements import strip_comments
from modelmigrate.terminal import say

Places = dict[tuple[str, str], int]


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
        places = column_places(replayed_url), column_places(target.url)
        renames = evident_renames(replayed_url, live_url, *places)
        with scratch_database(replayed_url) as work_url:
            plan = plan_schema_change(work_url, live_url, live, renames)
        adopted = adopting_files(plan, renames, replayed_url, live_url, live)
    written = write_migrations("adopt", adopted)
    return (
        "\n".join(each.text for each in adopted)
        + f"\nwritten: {', '.join(f'migrations/{each.name}' for each in written)}"
        f"\nApply: {project.command('apply')}. Then add the change to the models, or declare it by"
        f" {project.command('declare')}: otherwise the next migration reverts it."
    )


def evident_renames(
    current_url: str, desired_url: str, current_places: Places, desired_places: Places
) -> list[str]:
    """The statements for what was renamed by hand, as far as there is no other reading: a column in the
    very place of the one that is missing, and anything else where there is one such pair alone."""
    possible = possible_renames(current_url, read_names(current_url), read_names(desired_url))
    tables = {each.label: each.old_name for each in possible}
    found = [
        each
        for each in possible
        if each.what != "column"
        or current_places.get((tables.get(each.after, each.parent), each.old), 0)
        == desired_places.get((each.parent, each.new))
    ]
    sides = Counter((each.what, name) for each in found for name in (each.old_name, each.new_name))
    evident = [
        each
        for each in found
        if sides[each.what, each.old_name] == sides[each.what, each.new_name] == 1
    ]
    return rename_statements([each for each in evident if is_possible(each, evident)])


def column_places(url: str) -> Places:
    """The place of each column in its table, which a rename does not change and no other column gets;
    by the names of table and column, as people write them."""
    return {
        (shown(each.parent), shown_part(each.name)): each.number
        for each in catalog_objects(url).values()
        if each.kind == "column"
    }


def adopting_files(
    plan: list[str], renames: list[str], replayed_url: str, live_url: str, live: Schema
) -> list[ProvenFile]:
    """The migrations that make this plan of the scratch database `replayed_url`, and leave `live_url`
    as it is: in one file, or with renames and new values of enums in a file before the one that uses them.

    Raises:
        CannotPlanError: there is no form that can be repeated.
    """
    values = [each for each in plan if ADD_ENUM_VALUE.match(strip_comments(each))]
    first = [each for each in plan if each in renames or each in values]
    others = [each for each in plan if each not in first]
    states = [replayed_url, live_url]
    try:
        script, _ = verified_script(one_by_one(plan), states, live)
    except CannotPlanError:
        if (
            values
            and others
            and (files := in_two_steps(first, others, replayed_url, live_url, live))
        ):
            return files
        script, _ = verified_script(all_or_none(plan), states, live)
    text = f"-- Adopts a change made by hand: runs with and without it.\n{script}"
    with scratch_database(replayed_url) as after_url:
        with closing(connect(after_url)) as connection:
            connection.execute(script.encode())
        before, after = (State(url, read_schema(url)) for url in (replayed_url, after_url))
        return [ProvenFile(text, generate_down(before, after))]


def revert(target: Target, replayed_url: str, allow_loss: str | None, yes: bool) -> str:
    """Print the SQL that reverts a change made by hand; run it when that is confirmed."""
    expected = read_schema(replayed_url)
    with clone_of_live_schema(target, replayed_url) as (live_url, _, invalid_indexes):
        places = column_places(target.url), column_places(replayed_url)
        renames = evident_renames(live_url, replayed_url, *places)
        with scratch_database(live_url) as work_url:
            plan = plan_schema_change(work_url, replayed_url, expected, renames)
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


def in_two_steps(
    first: list[str], others: list[str], replayed_url: str, live_url: str, live: Schema
) -> list[ProvenFile]:
    """As `adopting_files`, of the first statements and of the others; none where the first cannot be run
    without the others."""
    with scratch_database(replayed_url) as url:
        with closing(connect(url)) as connection:
            if not execute_all(connection, *first):
                return []
        files = adopting_files(first, [], replayed_url, url, read_schema(url))
        return [*files, *adopting_files(others, [], url, live_url, live)]


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
                f" verified: {', '.join(change.title for change in changes)}. Nothing was changed."
            )
        yield live_url, schema, invalid_indexes
