"""All environments in one table: the version of each, what is pending, and whether its schema drifted."""

import os
import re
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.atlas.directory import read_migrations
from modelmigrate.drift.detect import replayed
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.revisions import read_status
from modelmigrate.migrations.target import Target, find_target
from modelmigrate.postgres.environments import variable_of
from modelmigrate.schema.dump import read_schema
from modelmigrate.terminal import markdown, say

VARIABLE = re.compile(r"(?P<name>[A-Z0-9_]+)_DATABASE_URL")
GRAVEST_FIRST = (Exit.HISTORY_MISMATCH, Exit.DRIFT, Exit.ERROR)
HEADER = "| environment | version | applied | pending | drift |\n| --- | --- | --- | --- | --- |"


class Row(NamedTuple):
    """Where one environment stands."""

    name: str
    version: str = "?"
    applied: int | str = "?"
    pending: int | str = "?"
    drift: str = "none"
    problem: str = ""
    """What is wrong, as a message; empty where nothing is."""
    code: Exit = Exit.OK


def compare_environments(names: str | None) -> str:
    """A table in Markdown of the environments with these names, separated by commas; without names, of
    all that have a `<NAME>_DATABASE_URL`. One that cannot be reached is a row, too.

    Raises:
        MigrateError: one has another history (exit code 4), has drifted (2) or cannot be compared (1); of
            several the gravest counts. The table is printed before.
    """
    project.settings()  # what is wrong with the project is no matter of one environment
    read_migrations()
    rows = [_row(name) for name in _chosen(names)]
    cells = [" | ".join(markdown(str(cell)) for cell in row[:5]) for row in rows]
    table = "\n".join([HEADER, *(f"| {each} |" for each in cells)])
    problems = [f"{row.name}: {row.problem}" for row in rows if row.problem]
    if problems:
        say(table)
        found = {row.code if row.code in GRAVEST_FIRST else Exit.ERROR for row in rows if row.code}
        raise MigrateError("\n".join(problems), min(found, key=GRAVEST_FIRST.index))
    return table


def _chosen(names: str | None) -> list[str]:
    given = [name.strip() for name in (names or "").split(",") if name.strip()]
    found = [VARIABLE.fullmatch(name) for name, url in sorted(os.environ.items()) if url]
    chosen = given or [each["name"].lower() for each in found if each]
    if not chosen:
        raise MigrateError(
            "there is no environment: no variable <NAME>_DATABASE_URL is set. Nothing was compared.\n"
            f"Set one, in the shell or in .env: {variable_of('staging')}="
            "postgresql://user:password@host/database"
        )
    return list(dict.fromkeys(chosen))


def _row(name: str) -> Row:
    row = Row(name)
    try:
        target = find_target(name)
        status = read_status(target.url)
        row = Row(name, status.version, len(status.applied), len(status.pending))
        changed = _changed(target)
    except MigrateError as error:
        why = "history mismatch" if error.code == Exit.HISTORY_MISMATCH else _first_line(error)
        return row._replace(drift=f"not compared: {why}", problem=str(error), code=error.code)
    if not changed:
        return row
    details = project.command("drift", env=name)
    problem = f"{len(changed)} difference(s) from its migrations. Details: {details}"
    return row._replace(drift=", ".join(changed), problem=problem, code=Exit.DRIFT)


def _changed(target: Target) -> list[str]:
    with replayed(target) as url:
        return [f"{each.title} ({each.how})" for each in target.changes_from(read_schema(url))]


def _first_line(error: MigrateError) -> str:
    return str(error).partition("\n")[0].removesuffix(" Nothing was changed.")
