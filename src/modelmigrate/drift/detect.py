"""Does a live database still have the schema of its migrations, of the models, or of another one?"""

from collections.abc import Iterator
from contextlib import contextmanager

from modelmigrate import project
from modelmigrate.drift.report import REPORT_FORMATS, report_drift
from modelmigrate.drift.resolve import RESOLUTIONS
from modelmigrate.errors import MigrateError
from modelmigrate.expansions.halves import current_and_between
from modelmigrate.migrations.revisions import MigrationStatus
from modelmigrate.migrations.target import Target, find_target, require_completed
from modelmigrate.postgres.snapshots import copy_roles
from modelmigrate.schema.diff import filter_ignored
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import diff_normalized
from modelmigrate.schema.states import replay_migrations


def detect_drift(
    target: Target,
    against: str | None = None,
    form: str | None = None,
    fix: str | None = None,
    allow_loss: str | None = None,
    *,
    yes: bool = False,
) -> str:
    """Compare a live database with its migrations (`files`), the models or another environment.

    Raises:
        MigrateError: there is drift (exit code 2), or the schemas cannot be compared.
    """
    _require_choice("format", form, list(REPORT_FORMATS))
    _require_choice("fix", fix, list(RESOLUTIONS))
    if fix and (against or "files") != "files":
        raise MigrateError(
            f"{project.option('fix', fix)} needs {project.option('against', 'files')}, the default."
            " Nothing was changed."
        )
    if against == "models":
        return drift_from_models(target, form)
    if against not in (None, "", "files"):
        return drift_from_environment(target, find_target(against), form)
    with replayed(target) as replayed_url:
        changes = target.changes_from(read_schema(replayed_url))
        if fix and changes:
            return RESOLUTIONS[fix](target, replayed_url, allow_loss, yes)
    note = describe_pending(target.status)
    return report_drift(target, "its migrations", changes, form, note)


@contextmanager
def replayed(target: Target) -> Iterator[str]:
    """The URL of a database with what the applied migrations of this one make.

    Raises:
        MigrateError: files and revisions do not match, or a migration is partially applied.
    """
    require_completed(target.status)
    copy_roles(target.url)
    with replay_migrations(target.status.applied) as url:
        yield url


def drift_from_models(target: Target, form: str | None) -> str:
    """Compare with what the models and the .sql files declare."""
    copy_roles(target.url)
    with current_and_between() as (_, desired_url, _):
        changes = diff_normalized(read_schema(desired_url), target.schema)
    changes = filter_ignored(changes, target.settings.ignore)
    return report_drift(target, "the models", changes, form)


def drift_from_environment(target: Target, other: Target, form: str | None) -> str:
    """Versions first: an environment that is behind has not drifted for that."""
    for each in (target, other):
        require_completed(each.status)
    distance = len(target.status.applied) - len(other.status.applied)
    if target.status.version != other.status.version:
        where = "ahead of" if distance > 0 else "behind"
        versions = f"{target.status.version} against {other.status.version}"
        commands = "; ".join(project.command("drift", env=each.name) for each in (target, other))
        return (
            f"{target.name} is {abs(distance)} migration(s) {where} {other.name}: {versions}.\n"
            f"That is no drift. Compare each with its own migrations: {commands}"
        )
    return report_drift(target, other.name, target.changes_from(other.schema), form)


def describe_pending(status: MigrationStatus) -> str:
    """A note on what is not applied yet, which is no drift."""
    count = len(status.pending)
    return f" ({count} pending migration{'s' if count > 1 else ''})" if count else ""


def _require_choice(name: str, value: str | None, known: list[str]) -> None:
    if value and value not in known:
        raise MigrateError(
            f"{project.option(name, value)} is none of {', '.join(known)}. Nothing was changed."
        )
