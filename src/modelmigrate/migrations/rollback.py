"""Rolling back: the down migrations of the last ones applied, verified, then run."""

from modelmigrate import project
from modelmigrate.atlas.directory import Migration
from modelmigrate.errors import MigrateError
from modelmigrate.migrations.data_loss import count_lost_rows, find_data_loss, require_accepted
from modelmigrate.migrations.down_files import cannot_roll_back, read_down_file
from modelmigrate.migrations.execute import execute_script
from modelmigrate.migrations.revisions import MigrationStatus, read_status, require_consistent
from modelmigrate.migrations.verify import verify_schema
from modelmigrate.planning.proof import verify_script
from modelmigrate.postgres.environments import confirm, find_environment
from modelmigrate.postgres.snapshots import copy_roles
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import before_and_after
from modelmigrate.terminal import progress


def roll_back(
    env: str | None = None,
    steps: int | None = None,
    to: str | None = None,
    allow_loss: str | None = None,
    *,
    dry: bool = False,
    yes: bool = False,
) -> str:
    """Roll back the last migration, the last `steps`, or all after version `to`.

    Raises:
        MigrateError: there is no honest way back, rows would be lost that nobody gave up by
            `allow_loss`, or the database is not what its history says. Nothing is changed then.
    """
    target = find_environment(env)
    status = read_status(target.url)
    require_consistent(status)
    going = select_migrations(status, steps, to)
    if not going:
        return f"{target.name} is at version {status.version}: nothing to take back"
    script = "\n".join(read_down_file(migration) for migration in reversed(going))
    copy_roles(target.url)
    progress("proving the way back")
    with before_and_after(status.applied, len(going)) as (before, after):
        expected = read_schema(before)
        if reason := verify_script(after, script, expected):
            raise cannot_roll_back(going, f"the down files do not lead back:\n{reason}")
        lost = find_data_loss(after, script)
        verify_schema(target, read_schema(after), "Nothing was changed.")
    print(f"Taking back, newest first: {', '.join(m.name for m in reversed(going))}")
    print(f"\n{script}\n", flush=True)
    in_the_way = count_lost_rows(target.url, lost, script, allow_loss)
    if dry:
        return "dry run: nothing was changed"
    require_accepted(in_the_way)
    confirm(target, f"take back {len(going)} migration(s)", yes=yes)
    execute_script(target.url, script, going)
    verify_schema(target, expected, "The migrations are taken back all the same.")
    remaining = status.applied[: -len(going)]
    return f"{target.name} is at version {remaining[-1].version if remaining else 'none'}"


def select_migrations(
    status: MigrationStatus, steps: int | None, to: str | None
) -> list[Migration]:
    """The migrations to take back, oldest first."""
    if status.partially_applied:
        raise MigrateError(
            f"{status.pending[0].name} is half done: {status.partially_applied}\nNothing was changed. Finish it"
            " first: mend what failed, then make migrate"
        )
    versions = [migration.version for migration in status.applied]
    if to is not None:
        if to not in versions:
            raise MigrateError(
                f"to={to} is no applied version. Nothing was changed. Applied: {', '.join(versions)}"
            )
        return status.applied[versions.index(to) + 1 :]
    count = 1 if steps is None else steps
    if not 1 <= count <= max(len(versions), 1):
        raise MigrateError(
            f"{project.option('steps', count)} must be a number from 1 to {len(versions)}, the number of applied"
            " migrations. Nothing was changed."
        )
    return status.applied[-count:]
