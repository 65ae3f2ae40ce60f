"""Rolling back: the down migrations of the last ones applied, verified, then run."""

from modelmigrate.atlas.directory import Migration
from modelmigrate.errors import ToolError
from modelmigrate.migrations import down_files, revisions
from modelmigrate.migrations.data_loss import count_losses, lost_rows, require_given_up
from modelmigrate.migrations.down_files import refusal
from modelmigrate.migrations.execute import run
from modelmigrate.migrations.revisions import History, require_whole
from modelmigrate.migrations.verify import require_same
from modelmigrate.planning.proof import prove
from modelmigrate.postgres.environments import confirm, find
from modelmigrate.postgres.snapshots import copy_roles
from modelmigrate.schema import dump
from modelmigrate.schema.states import one_after_another
from modelmigrate.terminal import at


def downgrade(
    env: str | None = None,
    n: str | None = None,
    to: str | None = None,
    allow_loss: str | None = None,
    *,
    dry: bool = False,
    yes: bool = False,
) -> str:
    """Take back the last migration, the last `n`, or all after version `to`.

    Raises:
        ToolError: there is no honest way back, rows would be lost that nobody gave up by
            `allow_loss`, or the database is not what its history says. Nothing is changed then.
    """
    target = find(env)
    story = revisions.read(target.url)
    require_whole(story)
    going = chosen(story, n, to)
    if not going:
        return f"{target.name} is at version {story.version}: nothing to take back"
    script = "\n".join(down_files.read(migration) for migration in reversed(going))
    copy_roles(target.url)
    at("proving the way back")
    with one_after_another(story.applied, len(going)) as (before, after):
        expected = dump.read(before)
        if reason := prove(after, script, expected):
            raise refusal(going, f"the down files do not lead back:\n{reason}")
        lost = lost_rows(after, script)
        require_same(target, dump.read(after), "Nothing was changed.")
    print(f"Taking back, newest first: {', '.join(m.name for m in reversed(going))}")
    print(f"\n{script}\n", flush=True)
    in_the_way = count_losses(target.url, lost, script, allow_loss)
    if dry:
        return "dry run: nothing was changed"
    require_given_up(in_the_way)
    confirm(target, f"take back {len(going)} migration(s)", yes=yes)
    run(target.url, script, going)
    require_same(target, expected, "The migrations are taken back all the same.")
    remaining = story.applied[: -len(going)]
    return f"{target.name} is at version {remaining[-1].version if remaining else 'none'}"


def chosen(story: History, n: str | None, to: str | None) -> list[Migration]:
    """The migrations to take back, oldest first."""
    if story.partial:
        raise ToolError(
            f"{story.pending[0].name} is half done: {story.partial}\nNothing was changed. Finish it"
            " first: mend what failed, then make migrate"
        )
    versions = [migration.version for migration in story.applied]
    if to is not None:
        if to not in versions:
            raise ToolError(
                f"to={to} is no applied version. Nothing was changed. Applied: {', '.join(versions)}"
            )
        return story.applied[versions.index(to) + 1 :]
    count = n or "1"
    if not count.isdecimal() or not 1 <= int(count) <= max(len(versions), 1):
        raise ToolError(
            f"n={count} must be a number from 1 to {len(versions)}, the number of applied"
            " migrations. Nothing was changed."
        )
    return story.applied[-int(count) :]
