"""Taking over a database that was not made by these migrations."""

from modelmigrate import project
from modelmigrate.atlas.commands import run_atlas
from modelmigrate.atlas.directory import read_migrations
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.down_files import generate_down
from modelmigrate.migrations.files import file_names, write_migrations
from modelmigrate.migrations.revisions import read_status
from modelmigrate.planning.transactions import with_delimiter
from modelmigrate.postgres.environments import Environment, confirm, find_environment
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.postgres.snapshots import copy_roles
from modelmigrate.schema.diff import Schema, diff
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import rebuild_schema
from modelmigrate.schema.states import replay_migrations


def baseline_database(env: str | None = None, *, yes: bool = False) -> str:
    """Record in a database which migrations it has; where there are none, write the first from it.

    Raises:
        MigrateError: it has a record already, or the schema of no version (exit code 3).
    """
    target = find_environment(env)
    copy_roles(target.url)
    live = read_schema(target.url)
    if not live:
        raise MigrateError(f"{target.title} is empty: nothing to take over. Fill it: make migrate")
    if not any(project.migrations_dir().glob("*.sql")):
        confirm(target, "record that its schema is the first migration", yes=yes)
        written = write_baseline(live)
        set_revision(target, written)
        return (
            f"written: migrations/{written}\nIt makes the schema of {target.name}, where it counts"
            " as applied. Then: make schema-declare, which writes files for its views and"
            " functions, and make migrate-create m=models, for what the models say more"
        )
    status = read_status(target.url)
    if status.applied or status.mismatches:
        raise MigrateError(
            f"{target.title} has a record of migrations already, up to {status.version}. Nothing was"
            " changed. See make migrate-status"
        )
    migrations = read_migrations()
    for count in range(len(migrations), 0, -1):
        with replay_migrations(migrations[:count]) as state:
            if not diff(read_schema(state), live):
                newest = migrations[count - 1].name
                confirm(target, f"record that it is migrated up to {newest}", yes=yes)
                set_revision(target, newest)
                return f"{target.name} counts as migrated up to {newest}"
    with replay_migrations(migrations) as state:
        differences = diff(read_schema(state), live)
    listing = "\n".join(f"  {each.how:<8}{each.label}" for each in differences)
    raise MigrateError(
        f"{target.title} has the schema of no version. Nothing was changed. From the newest it"
        f" differs in:\n{listing}\nChange it by hand until it agrees, or move migrations/ away: then"
        " the first migration is written from the database.",
        Exit.REFUSED,
    )


def write_baseline(live: Schema) -> str:
    """Write a migration that makes this schema from nothing; its name."""
    statements = [entry.create_sql for entry in live.values() if entry.kind != "INVALID INDEX"]
    text = with_delimiter(["SET LOCAL check_function_bodies = off;", *statements])
    [name] = file_names("baseline", [text])
    with scratch_database() as empty, rebuild_schema(live) as full:
        if differences := diff(live, read_schema(full)):
            raise MigrateError(
                "the schema cannot be made anew from empty:"
                f" {', '.join(each.label for each in differences)}. Nothing was written."
            )
        back = generate_down(empty, full)
    write_migrations({name: text}, [back])
    return name


def set_revision(target: Environment, name: str) -> None:
    version = name.partition("_")[0]
    run_atlas("migrate", "set", version, "--env", "local", DATABASE_URL=target.url)
