"""Does a live database still have the schema that its migrations, its models or another one has?"""

from collections.abc import Callable

from modelmigrate.drift.compare import compare, pending, told
from modelmigrate.drift.remedies import FIXES
from modelmigrate.drift.report import FORMATS, verdict
from modelmigrate.errors import ToolError
from modelmigrate.postgres.environments import Environment, find
from modelmigrate.postgres.snapshots import copy_roles
from modelmigrate.project import settings
from modelmigrate.schema.diff import without
from modelmigrate.schema.dump import read
from modelmigrate.schema.rebuild import unlike
from modelmigrate.schema.states import replayed, states


def drift(
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
        ToolError: there is drift (exit code 2), or it cannot be told.
    """
    require_choice("format", form, FORMATS)
    require_choice("fix", fix, FIXES)
    target = find(env)
    if fix and (against or "files") != "files":
        raise ToolError("fix= works against the files alone. Nothing was changed.")
    if against in (None, "", "files"):
        story = told(target)
        copy_roles(target.url)
        with replayed(story.applied) as files:
            expected = read(files)
            differences = compare(expected, read(target.url))
            if fix and differences:
                return FIXES[fix](target, story, files, allow_loss, yes)
        return verdict(target, "its migrations", differences, form, pending(story))
    if against == "models":
        return against_models(target, form)
    return against_environment(target, find(against), form)


def require_choice(name: str, given: str | None, known: dict[str, Callable[..., str]]) -> None:
    if given and given not in known:
        raise ToolError(f"{name}={given} is none of {', '.join(known)}. Nothing was done.")


def against_models(target: Environment, form: str | None) -> str:
    copy_roles(target.url)
    live = read(target.url)
    with states() as (_, models):
        differences = unlike(read(models), live)
    differences = without(differences, settings().ignore)
    return verdict(target, "the models", differences, form, "")


def against_environment(target: Environment, other: Environment, form: str | None) -> str:
    """Versions first: an environment that is behind has not drifted for that."""
    story, other_story = told(target), told(other)
    if story.version != other_story.version:
        distance = len(story.applied) - len(other_story.applied)
        where = "ahead of" if distance > 0 else "behind"
        versions = f"{story.version} against {other_story.version}"
        return (
            f"{target.name} is {abs(distance)} migration(s) {where} {other.name}: {versions}.\n"
            "That is no drift; whether each is what its own migrations make:"
            f" make schema-drift env={target.name}; make schema-drift env={other.name}"
        )
    differences = compare(read(other.url), read(target.url))
    return verdict(target, other.name, differences, form, "")
