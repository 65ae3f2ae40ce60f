"""Taking over a database that was not made by these migrations."""

from modelmigrate import project
from modelmigrate.atlas import directory
from modelmigrate.atlas.commands import atlas
from modelmigrate.errors import Exit, ToolError
from modelmigrate.migrations import down_files, revisions
from modelmigrate.migrations.files import file_names, write
from modelmigrate.planning.transactions import delimited
from modelmigrate.postgres.environments import Environment, confirm, find
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.postgres.snapshots import copy_roles
from modelmigrate.schema import dump
from modelmigrate.schema.diff import Schema, compare
from modelmigrate.schema.rebuild import rebuilt
from modelmigrate.schema.states import replayed


def baseline(env: str | None = None, *, yes: bool = False) -> str:
    """Record in a database which migrations it has; where there are none, write the first from it.

    Raises:
        ToolError: it has a record already, or the schema of no version (exit code 3).
    """
    target = find(env)
    copy_roles(target.url)
    live = dump.read(target.url)
    if not live:
        raise ToolError(f"{target.title} is empty: nothing to take over. Fill it: make migrate")
    if not any(project.migrations_dir().glob("*.sql")):
        confirm(target, "record that its schema is the first migration", yes=yes)
        written = write_first(live)
        record(target, written)
        return (
            f"written: migrations/{written}\nIt makes the schema of {target.name}, where it counts"
            " as applied. Then: make schema-declare, which writes files for its views and"
            " functions, and make migrate-create m=models, for what the models say more"
        )
    story = revisions.read(target.url)
    if story.applied or story.broken:
        raise ToolError(
            f"{target.title} has a record of migrations already, up to {story.version}. Nothing was"
            " changed. See make migrate-status"
        )
    migrations = directory.migrations()
    for count in range(len(migrations), 0, -1):
        with replayed(migrations[:count]) as state:
            if not compare(dump.read(state), live):
                newest = migrations[count - 1].name
                confirm(target, f"record that it is migrated up to {newest}", yes=yes)
                record(target, newest)
                return f"{target.name} counts as migrated up to {newest}"
    with replayed(migrations) as state:
        differences = compare(dump.read(state), live)
    listing = "\n".join(f"  {each.how:<8}{each.label}" for each in differences)
    raise ToolError(
        f"{target.title} has the schema of no version. Nothing was changed. From the newest it"
        f" differs in:\n{listing}\nChange it by hand until it agrees, or move migrations/ away: then"
        " the first migration is written from the database.",
        Exit.REFUSED,
    )


def write_first(live: Schema) -> str:
    """Write a migration that makes this schema from nothing; its name."""
    statements = [entry.create for entry in live.values() if entry.kind != "INVALID INDEX"]
    text = delimited(["SET LOCAL check_function_bodies = off;", *statements])
    [name] = file_names("baseline", [text])
    with scratch_database() as empty, rebuilt(live) as full:
        if differences := compare(live, dump.read(full)):
            raise ToolError(
                "the schema cannot be made anew from empty:"
                f" {', '.join(each.label for each in differences)}. Nothing was written."
            )
        back = down_files.text(empty, full)
    write({name: text}, [back])
    return name


def record(target: Environment, name: str) -> None:
    version = name.partition("_")[0]
    atlas("migrate", "set", version, "--env", "local", DATABASE_URL=target.url)
