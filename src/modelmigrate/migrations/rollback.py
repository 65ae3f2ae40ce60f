"""Rolling back: the down migrations of the last ones applied, verified, then run."""

from modelmigrate import project
from modelmigrate.atlas.directory import Migration, by_create
from modelmigrate.errors import MigrateError
from modelmigrate.migrations.data_loss import (
    BACK_UP,
    ONLY_A_BACKUP,
    count_lost_rows,
    find_data_loss,
    require_accepted,
)
from modelmigrate.migrations.down_files import cannot_roll_back, on_rows, read_down_file
from modelmigrate.migrations.execute import execute_script
from modelmigrate.migrations.not_restored import (
    contents_afterwards,
    count_not_restored,
    find_not_restored,
)
from modelmigrate.migrations.revisions import MigrationStatus
from modelmigrate.migrations.target import Target, require_completed
from modelmigrate.migrations.verify import verify_schema
from modelmigrate.planning.proof import verify_script
from modelmigrate.postgres.environments import confirm
from modelmigrate.postgres.snapshots import copy_roles
from modelmigrate.schema.catalog import catalog_objects
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import replay_migrations
from modelmigrate.terminal import progress, say


def roll_back(
    target: Target,
    steps: int | None = None,
    to: str | None = None,
    allow_loss: str | None = None,
    *,
    dry_run: bool = False,
    yes: bool = False,
) -> str:
    """Roll back the last migration, the last `steps`, or all after version `to`. What one `create` has
    written is one, in however many files.

    Raises:
        MigrateError: one of them cannot be rolled back, data would be lost that `allow_loss` does
            not name, or the database does not match its migrations. Nothing is changed then.
    """
    status = target.status
    to_roll_back = select_migrations(status, steps, to)
    if not to_roll_back:
        return f"No changes: {target.name} is at version {status.version}."
    script = "\n".join(read_down_file(migration) for migration in reversed(to_roll_back))
    copy_roles(target.url)
    progress("verifying the down migrations")
    with (
        replay_migrations(status.applied[: -len(to_roll_back)]) as before_url,
        replay_migrations(status.applied) as after_url,
    ):
        previous = read_schema(before_url)
        if reason := verify_script(after_url, script, previous).reason:
            raise cannot_roll_back(
                to_roll_back, f"its down migration does not restore the previous schema:\n{reason}"
            )
        losses = find_data_loss(after_url, script)
        verify_schema(target, read_schema(after_url), "Nothing was changed.")
        with on_rows(before_url, len(to_roll_back)) as (observed_url, contents):
            objects = catalog_objects(before_url), catalog_objects(observed_url)
            restored = contents and contents_afterwards(observed_url, script)
            not_restored = find_not_restored(before_url, observed_url, *objects, contents, restored)
    newest_first = ", ".join(migration.name for migration in reversed(to_roll_back))
    say(f"Rolling back, newest first: {newest_first}\n\n{script}\n")
    lost_before = count_not_restored(target.url, not_restored)
    for label, what in lost_before.items():
        say(f"not restored: {label}: {what}")
    lost = count_lost_rows(target.url, losses, script)
    cure = BACK_UP if lost else ONLY_A_BACKUP
    for label, what in lost_before.items():
        lost[label] = f"{lost[label]}; {what}" if label in lost else what
    if dry_run:
        return "dry run: nothing was changed"
    require_accepted(lost, allow_loss, cure)
    confirm(target.environment, f"roll back {len(to_roll_back)} migration(s)", yes=yes)
    execute_script(target, script, to_roll_back)
    verify_schema(target.refreshed(), previous, "The migrations are rolled back.")
    remaining = status.applied[: -len(to_roll_back)]
    return f"{target.name} is at version {remaining[-1].version if remaining else 'none'}"


def select_migrations(
    status: MigrationStatus, steps: int | None, to: str | None
) -> list[Migration]:
    """The migrations to roll back, oldest first; `steps` counts all files of one `create` as one.

    Raises:
        MigrateError: one is partially applied, `to` is no applied version, or there are not so many.
    """
    require_completed(status)
    versions = [migration.version for migration in status.applied]
    if to is not None:
        if to not in versions:
            raise MigrateError(
                f"{project.option('to', to)} is no applied version. Nothing was changed. Applied:"
                f" {', '.join(versions)}"
            )
        return status.applied[versions.index(to) + 1 :]
    creates = by_create(status.applied)
    count = 1 if steps is None else steps
    if not 1 <= count <= max(len(creates), 1):
        raise MigrateError(
            f"{project.option('steps', count)} must be a number from 1 to {len(creates)}, the number"
            " of applied migrations (all files of one create are one). Nothing was changed."
        )
    return [migration for group in creates[-count:] for migration in group]
