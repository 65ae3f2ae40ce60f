"""Does a live database still have the schema that its migrations, its models or another one has?"""

from collections.abc import Callable

from modelmigrate import project
from modelmigrate.drift.compare import describe_pending, diff_ignoring, require_comparable
from modelmigrate.drift.remedies import RESOLUTIONS
from modelmigrate.drift.report import REPORT_FORMATS, report_drift
from modelmigrate.errors import MigrateError
from modelmigrate.postgres.environments import Environment, find_environment
from modelmigrate.postgres.snapshots import copy_roles
from modelmigrate.schema.diff import filter_ignored
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import diff_normalized
from modelmigrate.schema.states import current_and_desired, replay_migrations


def detect_drift(
    env: str | None = None,
    against: str | None = None,
    form: str | None = None,
    fix: str | None = None,
    allow_loss: str | None = None,
    *,
    yes: bool = False,
) -> str:
    """Compare a live database with its migrations (`files`), the models or another environment.

    Raises:
        MigrateError: there is drift (exit code 2), or it cannot be told.
    """
    require_choice("format", form, REPORT_FORMATS)
    require_choice("fix", fix, RESOLUTIONS)
    target = find_environment(env)
    if fix and (against or "files") != "files":
        raise MigrateError("fix= works against the files alone. Nothing was changed.")
    if against in (None, "", "files"):
        status = require_comparable(target)
        copy_roles(target.url)
        with replay_migrations(status.applied) as files:
            expected = read_schema(files)
            differences = diff_ignoring(expected, read_schema(target.url))
            if fix and differences:
                return RESOLUTIONS[fix](target, status, files, allow_loss, yes)
        return report_drift(target, "its migrations", differences, form, describe_pending(status))
    if against == "models":
        return drift_from_models(target, form)
    return drift_from_environment(target, find_environment(against), form)


def require_choice(name: str, given: str | None, known: dict[str, Callable[..., str]]) -> None:
    if given and given not in known:
        raise MigrateError(f"{name}={given} is none of {', '.join(known)}. Nothing was done.")


def drift_from_models(target: Environment, form: str | None) -> str:
    copy_roles(target.url)
    live = read_schema(target.url)
    with current_and_desired() as (_, models):
        differences = diff_normalized(read_schema(models), live)
    differences = filter_ignored(differences, project.settings().ignore)
    return report_drift(target, "the models", differences, form, "")


def drift_from_environment(target: Environment, other: Environment, form: str | None) -> str:
    """Versions first: an environment that is behind has not drifted for that."""
    status, other_status = require_comparable(target), require_comparable(other)
    if status.version != other_status.version:
        distance = len(status.applied) - len(other_status.applied)
        where = "ahead of" if distance > 0 else "behind"
        versions = f"{status.version} against {other_status.version}"
        return (
            f"{target.name} is {abs(distance)} migration(s) {where} {other.name}: {versions}.\n"
            "That is no drift; whether each is what its own migrations make:"
            f" make schema-drift env={target.name}; make schema-drift env={other.name}"
        )
    differences = diff_ignoring(read_schema(other.url), read_schema(target.url))
    return report_drift(target, other.name, differences, form, "")
