"""Down migrations: a file beside each migration, verified when it is made and again before it runs."""

from modelmigrate import project
from modelmigrate.atlas.directory import Migration, read_migrations
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.planning.context import CannotPlanError
from modelmigrate.planning.plan import plan_schema_change
from modelmigrate.planning.proof import verified_script
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import before_and_after
from modelmigrate.terminal import progress

IRREVERSIBLE = "-- irreversible: "


def generate_down(before: str, after: str) -> str:
    """The file that leads from the scratch database `after`, made from a clone of `before`, to the
    schema of that one; or that says why there is no way."""
    goal = read_schema(before)
    try:
        with scratch_database(after) as work:
            statements = plan_schema_change(work, before, goal, renames=True)
        script = verified_script(statements, [after], goal)
    except CannotPlanError as error:
        lines = [f"--   {line}" for line in str(error).splitlines()]
        return "\n".join([f"{IRREVERSIBLE}no statements were found that lead back", *lines, ""])
    return f"-- generated, and proven to lead back to the very schema before\n\n{script}"


def write_missing_down_files() -> list[str]:
    """Write the down file of each migration that has none; their names."""
    migrations = read_migrations()
    written = []
    for number, migration in enumerate(migrations):
        file = project.down_dir() / migration.name
        if not file.exists():
            progress(f"finding the way back of {migration.name}")
            project.down_dir().mkdir(exist_ok=True)
            file.write_text(
                generate_down_of_last(migrations[: number + 1]), encoding="utf-8", newline="\n"
            )
            written.append(migration.name)
    return written


def generate_down_of_last(migrations: list[Migration]) -> str:
    """The down file of the last of these migrations."""
    with before_and_after(migrations, 1) as (before, after):
        return generate_down(before, after)


def read_down_file(migration: Migration) -> str:
    """What the down file says; where there is none, what it would say.

    Raises:
        MigrateError: the migration is irreversible (exit code 3).
    """
    file = project.down_dir() / migration.name
    if file.exists():
        content = file.read_text(encoding="utf-8").strip()
    else:
        all_files = read_migrations()
        content = generate_down_of_last(all_files[: all_files.index(migration) + 1]).strip()
    if content.startswith(IRREVERSIBLE):
        raise cannot_roll_back([migration], content)
    return content


def cannot_roll_back(going: list[Migration], reason: str) -> MigrateError:
    """No honest way back, with the way forward (exit code 3)."""
    names = ", ".join(migration.name for migration in going)
    return MigrateError(
        f"{names}: {reason}\nNothing was changed. Go forward instead: change the models back, then"
        ' make migrate-create m="undo ..." and make migrate. Or write'
        f" {' '.join(f'migrations/down/{migration.name}' for migration in going)} by hand: it is"
        " proven before it runs.",
        Exit.REFUSED,
    )
