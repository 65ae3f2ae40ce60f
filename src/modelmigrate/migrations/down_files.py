"""Down migrations: a file beside each migration, verified when it is made and again before it runs."""

from modelmigrate import project
from modelmigrate.atlas import directory
from modelmigrate.atlas.directory import Migration
from modelmigrate.errors import Exit, ToolError
from modelmigrate.planning.context import NoPlanError
from modelmigrate.planning.plan import plan
from modelmigrate.planning.proof import proven
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema import dump
from modelmigrate.schema.states import one_after_another
from modelmigrate.terminal import at

IRREVERSIBLE = "-- irreversible: "


def text(before: str, after: str) -> str:
    """The file that leads from the scratch database `after`, made from a clone of `before`, to the
    schema of that one; or that says why there is no way."""
    goal = dump.read(before)
    try:
        with scratch_database(after) as work:
            statements = plan(work, before, goal, renames=True)
        script = proven(statements, [after], goal)
    except NoPlanError as error:
        lines = [f"--   {line}" for line in str(error).splitlines()]
        return "\n".join([f"{IRREVERSIBLE}no statements were found that lead back", *lines, ""])
    return f"-- generated, and proven to lead back to the very schema before\n\n{script}"


def write_missing() -> list[str]:
    """Write the down file of each migration that has none; their names."""
    migrations = directory.migrations()
    written = []
    for number, migration in enumerate(migrations):
        file = project.down_dir() / migration.name
        if not file.exists():
            at(f"finding the way back of {migration.name}")
            project.down_dir().mkdir(exist_ok=True)
            file.write_text(made(migrations[: number + 1]), encoding="utf-8", newline="\n")
            written.append(migration.name)
    return written


def made(migrations: list[Migration]) -> str:
    """The down file of the last of these migrations."""
    with one_after_another(migrations, 1) as (before, after):
        return text(before, after)


def read(migration: Migration) -> str:
    """What the down file says; where there is none, what it would say.

    Raises:
        ToolError: the migration is irreversible (exit code 3).
    """
    file = project.down_dir() / migration.name
    if file.exists():
        content = file.read_text(encoding="utf-8").strip()
    else:
        all_files = directory.migrations()
        content = made(all_files[: all_files.index(migration) + 1]).strip()
    if content.startswith(IRREVERSIBLE):
        raise refusal([migration], content)
    return content


def refusal(going: list[Migration], reason: str) -> ToolError:
    """No honest way back, with the way forward (exit code 3)."""
    names = ", ".join(migration.name for migration in going)
    return ToolError(
        f"{names}: {reason}\nNothing was changed. Go forward instead: change the models back, then"
        ' make migrate-create m="undo ..." and make migrate. Or write'
        f" {' '.join(f'migrations/down/{migration.name}' for migration in going)} by hand: it is"
        " proven before it runs.",
        Exit.REFUSED,
    )
