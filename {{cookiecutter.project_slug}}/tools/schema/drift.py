"""Does a live database still have the schema that its migrations, its models or another one has?"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from tools.errors import Exit, ToolError
from tools.schema import (
    apply,
    create,
    down,
    dump,
    environment,
    history,
    plan,
    postgres,
    replay,
    settings,
    sql,
)
from tools.schema.dump import Difference, Schema
from tools.schema.environment import Environment
from tools.schema.history import History

# What finds itself done already, on a database where that was done by hand.
REPEATABLE = {
    "(ADD (?:COLUMN|VALUE) )": r"\1IF NOT EXISTS ",
    "(CREATE (?:(?:UNIQUE )?INDEX|TABLE|SEQUENCE|SCHEMA|STATISTICS) )": r"\1IF NOT EXISTS ",
    "(DROP (?:COLUMN|CONSTRAINT|INDEX|TABLE|TYPE) )": r"\1IF EXISTS ",
}
HARMFUL = re.compile(r"\b(ADD (?!COLUMN)|ATTACH|DETACH|OWNER TO|RENAME)")
GUARD = """DO $adopt$ BEGIN
  %s
EXCEPTION
  WHEN duplicate_object OR duplicate_table OR duplicate_function OR duplicate_schema
    OR invalid_table_definition OR wrong_object_type OR object_not_in_prerequisite_state
    THEN NULL; -- done already
  WHEN undefined_object THEN RAISE NOTICE 'left out: %', SQLERRM;
END $adopt$;"""
MEANING = {
    "extra": "is in the database, and not in",
    "missing": "is not in the database, but in",
    "changed": "is another in the database than in",
}


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
    target = environment.find(env)
    if fix and (against or "files") != "files":
        raise ToolError("fix= works against the files alone. Nothing was changed.")
    if against in (None, "", "files"):
        story = told(target)
        postgres.copy_roles(target.url)
        with replay.replayed(story.applied) as files:
            expected = dump.read(files)
            differences = compare(expected, dump.read(target.url))
            if fix and differences:
                return FIXES[fix](target, story, files, allow_loss, yes)
        return verdict(target, "its migrations", differences, form, pending(story))
    if against == "models":
        return against_models(target, form)
    return against_environment(target, environment.find(against), form)


def require_choice(name: str, given: str | None, known: dict[str, Callable[..., str]]) -> None:
    if given and given not in known:
        raise ToolError(f"{name}={given} is none of {', '.join(known)}. Nothing was done.")


def told(target: Environment) -> History:
    """The history of the database, if it can be compared with anything."""
    story = history.read(target.url)
    history.require_whole(story)
    if story.partial:
        raise ToolError(
            f"{story.pending[0].name} is half done: {story.partial}\nUntil it is finished (make"
            " migrate) it cannot be told what the schema should be."
        )
    return story


def compare(expected: Schema, found: Schema) -> list[Difference]:
    return dump.without(dump.compare(expected, found), settings.load().ignore)


def pending(story: History) -> str:
    count = len(story.pending)
    return f" ({count} pending migration{'s' if count > 1 else ''})" if count else ""


def against_models(target: Environment, form: str | None) -> str:
    postgres.copy_roles(target.url)
    live = dump.read(target.url)
    with create.states() as (_, models):
        differences = replay.unlike(dump.read(models), live)
    differences = dump.without(differences, settings.load().ignore)
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
    differences = compare(dump.read(other.url), dump.read(target.url))
    return verdict(target, other.name, differences, form, "")


# --- reports ---


def verdict(
    target: Environment, other: str, differences: list[Difference], form: str | None, note: str
) -> str:
    report = FORMATS[form or "text"](target, other, differences, note)
    if not differences:
        return report
    if form not in (None, "", "text"):
        print(report)
        report = f"{len(differences)} difference(s)"
    raise ToolError(report, Exit.DRIFT)


def as_text(target: Environment, other: str, differences: list[Difference], note: str) -> str:
    if not differences:
        return f"no drift: {target.name} agrees with {other}{note}"
    lines = [f"{target.name} has drifted from {other}{note}:"]
    for each in differences:
        lines.append(f"  {each.how:<8}{each.label}")
        lines += [f"      {line}" for line in each.lines()]
    lines.append("Nothing was changed. (- expected, + found)")
    if other == "its migrations":
        named = "" if target.name == environment.LOCAL else f" env={target.name}"
        lines.append(
            f"Keep it: make schema-drift{named} fix=adopt writes a migration."
            f" Undo it: make schema-drift{named} fix=revert shows how."
        )
    return "\n".join(lines)


def as_json(target: Environment, other: str, differences: list[Difference], note: str) -> str:
    found = [
        {
            "how": each.how,
            "kind": each.kind,
            "name": each.name,
            "expected": each.expected and each.expected.create,
            "found": each.found and each.found.create,
        }
        for each in differences
    ]
    answer = {"environment": target.name, "against": other, "drift": bool(found)}
    return json.dumps(answer | {"note": note.strip(" ()"), "differences": found}, indent=2)


def as_github(target: Environment, other: str, differences: list[Difference], note: str) -> str:
    """Annotations, a line each; a line break is a code in them."""
    lines = []
    for each in differences:
        text = "\n".join([f"{each.label} {MEANING[each.how]} {other}", *each.lines()])
        escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        lines.append(f"::error title=Schema drift in {target.name}::{escaped}")
    return (
        "\n".join(lines)
        or f"::notice title=No schema drift::{target.name} agrees with {other}{note}"
    )


FORMATS: dict[str, Callable[[Environment, str, list[Difference], str], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
}


# --- remedies ---


def adopt(
    target: Environment, story: History, files: str, _allow_loss: str | None, _yes: bool
) -> str:
    """Write a migration that makes a change by hand everybody's. It can be repeated, since it will
    run on the drifted database, too."""
    if story.pending:
        raise ToolError(
            f"{len(story.pending)} migration(s) are pending. Nothing was written. Apply them first:"
            " make migrate",
            Exit.REFUSED,
        )
    with copied(target, files) as (drifted, goal, invalid):
        if invalid:
            listing = "\n".join(invalid)
            raise ToolError(
                "an INVALID index cannot be adopted. Nothing was written. Remove it, or rebuild it"
                f" by REINDEX INDEX CONCURRENTLY:\n{listing}",
                Exit.REFUSED,
            )
        with postgres.scratch_database(files) as work:
            statements = [repeatable(each) for each in plan.plan(work, drifted, goal)]
        script = plan.proven(statements, [files, drifted], goal)
    text = (
        f"-- Adopts a change made by hand: runs where it was made, and where it was not.\n{script}"
    )
    with postgres.scratch_database(files) as after:
        with closing(postgres.connect(after)) as connection:
            connection.execute(script.encode())
        back = down.text(files, after)
    [name] = create.file_names("adopt", [text])
    [written] = create.write({name: text}, [back])
    return (
        f"{text}\nwritten: migrations/{written.name}\nApply it: make migrate. Then declare it, in the"
        " models or by make schema-declare, or the next migrate-create takes it back."
    )


def revert(
    target: Environment, _story: History, files: str, allow_loss: str | None, yes: bool
) -> str:
    """Show the SQL that undoes a change made by hand; run it when that is confirmed."""
    with copied(target, files) as (drifted, _, invalid):
        goal = dump.read(files)
        with postgres.scratch_database(drifted) as work:
            script = plan.proven(plan.plan(work, files, goal), [drifted], goal)
        script = "\n".join([*invalid, script])
        print(f"{script}\n", flush=True)
        lost = down.count_losses(target.url, down.lost_rows(drifted, script), script, allow_loss)
    if not yes:
        return "Nothing was changed. Run this yourself, or have it run: add yes=1"
    down.require_given_up(lost)
    environment.confirm(target, "undo what was changed by hand", yes=yes)
    down.run(target.url, script, [])
    apply.require_same(target, goal, "Something else changed meanwhile.")
    return f"{target.name} is as its migrations make it again"


FIXES: dict[str, Callable[[Environment, History, str, str | None, bool], str]] = {
    "adopt": adopt,
    "revert": revert,
}


@contextmanager
def copied(target: Environment, files: str) -> Iterator[tuple[str, Schema, list[str]]]:
    """A scratch database with the schema of the live one, that schema, and the statements that drop
    its INVALID indexes. What is ignored is as in the files."""
    live, expected = dump.read(target.url), dump.read(files)
    invalid = [entry.drop for entry in live.values() if entry.kind == "INVALID INDEX"]
    schema = {label: entry for label, entry in live.items() if entry.kind != "INVALID INDEX"}
    kept = {each.label for each in compare(expected, schema)}
    for each in dump.compare(expected, schema):
        if each.label not in kept:
            schema.pop(each.label, None)
            if each.expected:
                schema[each.label] = each.expected
    with replay.rebuilt(schema) as copy:
        if differences := dump.compare(schema, dump.read(copy)):
            raise ToolError(
                "the schema cannot be made anew here, so that no remedy can be proven:"
                f" {', '.join(each.label for each in differences)}. Nothing was changed."
            )
        yield copy, schema, invalid


def repeatable(statement: str) -> str:
    """The statement in a form that does no harm where it was run already."""
    for words in REPEATABLE:
        statement = sql.outside_quotes(statement, rf"\b{words}(?!IF )", REPEATABLE[words])
    code = sql.code(statement)
    safe = re.match(r"CREATE OR REPLACE|CREATE .*? IF NOT EXISTS|DROP|COMMENT", code)
    harmless = code.startswith("ALTER TABLE") and not HARMFUL.search(code)
    if (safe or harmless) and "BEGIN ATOMIC" not in code:
        return statement
    guard = GUARD
    if " DETACH PARTITION " in code:  # which says so of what is detached already
        guard = GUARD.replace("duplicate_table", "undefined_table")
    return guard.replace("%s", code, 1)
