"""Migrations linted: the files that are new, run after those that are not."""

import os
from dataclasses import replace

from modelmigrate import project
from modelmigrate.atlas.directory import (
    Migration,
    by_create,
    read_migrations,
    require_migrations,
)
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.lint.findings import Finding, find_all
from modelmigrate.lint.levels import environments, level_of
from modelmigrate.lint.observe import Observer
from modelmigrate.lint.report import FORMATS, NAMES, Report
from modelmigrate.lint.rule import BREAKING, Level
from modelmigrate.lint.sizes import Size, read_sizes
from modelmigrate.lint.steps import ObservedFile
from modelmigrate.lint.waivers import labels_in_halves
from modelmigrate.migrations.branch import compare_branches
from modelmigrate.postgres.environments import LOCAL, find_environment, variable_of
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.states import replay_migrations
from modelmigrate.sql.statements import shorten
from modelmigrate.terminal import progress, say


def lint_migrations(
    base: str | None = None,
    latest: int | None = None,
    env: str | None = None,
    form: str | None = None,
) -> str:
    """Lint what the newest `create` wrote; or the `latest` so many files; or all that this branch adds
    to `base`.

    Raises:
        MigrateError: an error is found that its file does not allow (exit code 3); or the files cannot
            be linted.
    """
    report = _report_as(form)
    level, sizes = level_of(env), _sizes(env)
    require_migrations()
    migrations = read_migrations()
    chosen = choose(migrations, base, latest)
    names = [f"migrations/{each.name}" for each in chosen]
    findings = [*find_all(observe(migrations, chosen), level, sizes)] if chosen else []
    text = report(findings, names)
    blocking = [each for each in findings if each.level == Level.ERROR and not each.allowed]
    if blocking:
        say(text)
        raise MigrateError(how_to_go_on(blocking), Exit.REFUSED)
    return text


def how_to_go_on(findings: list[Finding]) -> str:
    """What to do about findings that are errors."""
    rules = dict.fromkeys(each.rule for each in findings if each.why)
    lines = ["the migrations are not safe. Nothing was changed. Correct the files"]
    if rules:
        lines[0] += ", or allow what is intended by a line above its statement:"
        lines += [f"-- lint:allow {rule} REASON" for rule in rules]
    if any(each.group == BREAKING for each in findings):
        lines.append(
            "What breaks older programs alone goes into a file that begins with `-- gate:phase contract` and a"
            " blank line: it is applied once none of them runs."
        )
    return "\n".join([*lines, f"Then run: {project.command('hash')}"])


def warnings_of(url: str, texts: list[str], template: str) -> list[str]:
    """What is to be said of migrations with these texts, which are proven and run on the scratch database at
    `url`, a clone of `template`: a line for each finding."""
    in_halves = labels_in_halves(texts)
    with Observer(url, template) as observer:
        files = list[ObservedFile]()
        for text in texts:
            if not files or files[-1].ran:
                files.append(replace(observer.run("", text), in_halves=in_halves))
    return [
        f"lint: {NAMES[each.level]} {each.rule}: {each.text}. {each.why}"
        for each in find_all(files, level_of(None), {})
        if not each.allowed
    ]


def choose(migrations: list[Migration], base: str | None, latest: int | None) -> list[Migration]:
    """The migrations to lint, in their order."""
    if base and latest:
        raise MigrateError(
            "base and latest exclude each other. Nothing was done. Give one of them."
        )
    if base:
        added = set(compare_branches(base).added)
        return [each for each in migrations if each.name in added]
    return migrations[-latest:] if latest else by_create(migrations)[-1]


def observe(migrations: list[Migration], chosen: list[Migration]) -> list[ObservedFile]:
    """These migrations and their down migrations, run on a copy of the schema before the first of them.

    Raises:
        MigrateError: one of the files fails for a reason that no rule is about.
    """
    first = migrations.index(chosen[0])
    halves = {
        each: labels_in_halves(one.sql for one in group)
        for group in by_create(migrations[first:])
        for each in group
    }
    files: list[ObservedFile] = []
    with (
        replay_migrations(migrations[:first]) as before_url,
        scratch_database(before_url) as url,
        Observer(url) as observer,
    ):
        for migration in migrations[first:]:
            progress(f"running {migration.name}")
            file = observer.run(f"migrations/{migration.name}", migration.sql)
            if migration in chosen:
                files.append(replace(file, in_halves=halves[migration]))
            if not file.ran:
                _require_explained(file)
                break
            down_file = project.down_dir() / migration.name
            # That of a first migration drops everything, which is nothing to be told.
            if observer.has_old and migration in chosen and down_file.exists():
                text = down_file.read_text(encoding="utf-8")
                files.append(observer.run_down(f"migrations/down/{migration.name}", text))
    return files


def _require_explained(file: ObservedFile) -> None:
    """Raise MigrateError where a file fails, and no rule says why."""
    from modelmigrate.lint.rules import RULES

    step = file.steps[-1]
    if not any(found.step.error or found.step.refused for r in RULES for found in r.find(file)):
        error = step.error
        reason = error.diag.message_primary if error else ""
        raise MigrateError(
            f"{file.name}:{step.line}: this statement fails, so nothing was linted: {reason}\n"
            f"  {shorten(step.sql)}\n"
            f"Correct the file, then accept it: {project.command('hash')}"
        )


def _report_as(form: str | None) -> Report:
    if form and form not in FORMATS:
        raise MigrateError(
            f"there is no format {form}. Nothing was done. Formats: {', '.join(FORMATS)}"
        )
    return FORMATS[form or "text"]


def _sizes(env: str | None) -> dict[str, Size]:
    """The sizes of tables in an environment; empty for the local one, and where only its levels are
    known."""
    if env in (None, "", LOCAL):
        return {}
    if env in environments() and not os.environ.get(variable_of(env)):
        return {}
    return read_sizes(find_environment(env).url)
