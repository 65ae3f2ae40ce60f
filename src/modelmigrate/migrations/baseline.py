"""Baselines: a database that was not made by these migrations starts to be managed by them."""

from modelmigrate import project
from modelmigrate.atlas.commands import set_revision
from modelmigrate.atlas.directory import has_migrations, read_migrations, version_of
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.down_files import State, generate_down
from modelmigrate.migrations.files import ProvenFile, write_migrations
from modelmigrate.migrations.revisions import read_status
from modelmigrate.migrations.target import Target
from modelmigrate.migrations.verify import listing
from modelmigrate.planning.transactions import with_delimiter
from modelmigrate.postgres.environments import confirm
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.postgres.snapshots import copy_roles
from modelmigrate.schema.diff import Schema
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import diff_normalized, rebuild_schema
from modelmigrate.schema.states import replay_migrations


def baseline_database(target: Target, *, yes: bool = False) -> str:
    """Set a database to the version whose schema it has; without any migration, write the first one
    from the database.

    Raises:
        MigrateError: it has revisions already, or the schema of no version (exit code 3).
    """
    copy_roles(target.url)
    if not target.schema:
        raise MigrateError(
            f"{target.title} is empty: there is nothing to baseline. Migrate it:"
            f" {project.command('apply', env=target.option)}"
        )
    if not has_migrations():
        return _baseline_from_database(target, yes=yes)
    status = read_status(target.url)
    if status.applied or status.mismatches:
        raise MigrateError(
            f"{target.title} has revisions already, up to {status.version}. Nothing was changed. See"
            f" {project.command('status', env=target.option)}"
        )
    migrations = read_migrations()
    for count in range(len(migrations), 0, -1):
        with replay_migrations(migrations[:count]) as replayed_url:
            if not diff_normalized(read_schema(replayed_url), target.schema):
                newest = migrations[count - 1].name
                confirm(target.environment, f"baseline it at {newest}", yes=yes)
                set_revision(target.url, version_of(newest))
                return f"{target.name} is baselined at {newest}"
    with replay_migrations(migrations) as replayed_url:
        changes = diff_normalized(read_schema(replayed_url), target.schema)
    raise MigrateError(
        f"{target.title} has the schema of no version. Nothing was changed. It differs from the newest"
        f" one in:\n{listing(changes)}\nChange it by hand until it matches, or move migrations/ away:"
        " then the first migration is written from the database.",
        Exit.REFUSED,
    )


def _baseline_from_database(target: Target, *, yes: bool) -> str:
    confirm(target.environment, "baseline it at its own schema, the first migration", yes=yes)
    name = write_baseline(target.schema)
    set_revision(target.url, version_of(name))
    return (
        f"written: migrations/{name}\nIt creates the schema of {target.name}, which is baselined at it."
        f" Next: {project.command('declare')} (writes files for its views and functions), then"
        f" {project.command('create', 'models')} (for what the models add)"
    )


def write_baseline(schema: Schema) -> str:
    """Write a migration that creates this schema in an empty database; its name."""
    statements = [obj.create_sql for obj in schema.values() if obj.kind != "INVALID INDEX"]
    text = with_delimiter(["SET LOCAL check_function_bodies = off;", *statements])
    with scratch_database() as empty_url, rebuild_schema(schema) as full_url:
        full = State(full_url, read_schema(full_url))
        if changes := diff_normalized(schema, full.schema):
            raise MigrateError(
                "the schema cannot be created in an empty database:"
                f" {', '.join(change.title for change in changes)}. No file was written."
            )
        down = generate_down(State(empty_url, read_schema(empty_url)), full)
    [written] = write_migrations("baseline", [ProvenFile(text, down)])
    return written.name
