"""Taking over a database that was not made by these migrations."""

from tools.errors import Exit, ToolError
from tools.schema import atlas, create, down, dump, environment, history, postgres, replay
from tools.schema.environment import Environment


def baseline(env: str | None = None, *, yes: bool = False) -> str:
    """Record in a database which migrations it has; where there are none, write the first from it.

    Raises:
        ToolError: it has a record already, or the schema of no version (exit code 3).
    """
    target = environment.find(env)
    postgres.copy_roles(target.url)
    live = dump.read(target.url)
    if not live:
        raise ToolError(f"{target.title} is empty: nothing to take over. Fill it: make migrate")
    if not any(atlas.MIGRATIONS.glob("*.sql")):
        environment.confirm(target, "record that its schema is the first migration", yes=yes)
        written = write_first(live)
        record(target, written)
        return (
            f"written: migrations/{written}\nIt makes the schema of {target.name}, where it counts"
            " as applied. Then: make schema-declare, which writes files for its views and"
            " functions, and make migrate-create m=models, for what the models say more"
        )
    story = history.read(target.url)
    if story.applied or story.broken:
        raise ToolError(
            f"{target.title} has a record of migrations already, up to {story.version}. Nothing was"
            " changed. See make migrate-status"
        )
    migrations = history.migrations()
    for count in range(len(migrations), 0, -1):
        with replay.replayed(migrations[:count]) as state:
            if not dump.compare(dump.read(state), live):
                newest = migrations[count - 1].name
                environment.confirm(target, f"record that it is migrated up to {newest}", yes=yes)
                record(target, newest)
                return f"{target.name} counts as migrated up to {newest}"
    with replay.replayed(migrations) as state:
        differences = dump.compare(dump.read(state), live)
    listing = "\n".join(f"  {each.how:<8}{each.label}" for each in differences)
    raise ToolError(
        f"{target.title} has the schema of no version. Nothing was changed. From the newest it"
        f" differs in:\n{listing}\nChange it by hand until it agrees, or move migrations/ away: then"
        " the first migration is written from the database.",
        Exit.REFUSED,
    )


def write_first(live: dump.Schema) -> str:
    """Write a migration that makes this schema from nothing; its name."""
    statements = [entry.create for entry in live.values() if entry.kind != "INVALID INDEX"]
    text = create.delimited(["SET LOCAL check_function_bodies = off;", *statements])
    [name] = create.file_names("baseline", [text])
    with postgres.scratch_database() as empty, replay.rebuilt(live) as full:
        if differences := dump.compare(live, dump.read(full)):
            raise ToolError(
                "the schema cannot be made anew from empty:"
                f" {', '.join(each.label for each in differences)}. Nothing was written."
            )
        back = down.text(empty, full)
    create.write({name: text}, [back])
    return name


def record(target: Environment, name: str) -> None:
    version = name.partition("_")[0]
    atlas.atlas("migrate", "set", version, "--env", "local", DATABASE_URL=target.url)
