"""The migration files checked: whether they are valid, and whether they match the models."""

from modelmigrate import project
from modelmigrate.atlas.commands import diff_databases
from modelmigrate.atlas.directory import (
    FILE_NAME,
    PHASE,
    PHASE_DIRECTIVE,
    TXMODE_DIRECTIVE,
    Migration,
    read_migrations,
)
from modelmigrate.atlas.refused_statements import refusals, runs_outside_transaction
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.expansions.halves import begun, current_and_between, notes_on_between
from modelmigrate.planning.kinds import PLANNED_BY_ATLAS
from modelmigrate.schema.catalog import names_to_escape
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.namespaces import common_schemas
from modelmigrate.schema.rebuild import diff_normalized
from modelmigrate.schema.states import replay_migrations


def validate_migrations() -> str:
    """Check integrity, structure, dependencies and syntax of the files; a line for each check.

    Raises:
        MigrateError: a check fails; the lines of those before it, and the reason. The exit code is
            4 where the files do not match `atlas.sum`.
    """
    project.root()  # without a project, no check failed: there was none
    lines: list[str] = []
    try:
        migrations = read_migrations()
        lines.append(f"ok    integrity     atlas.sum matches {len(migrations)} file(s)")
    except MigrateError as error:
        raise failed_check(lines, "integrity", str(error), error.code) from None
    if problems := structure_problems(migrations):
        raise failed_check(lines, "structure", "\n".join(problems))
    lines.append("ok    structure     names, versions, directives and down files")
    try:
        with replay_migrations(migrations):
            pass
    except MigrateError as error:
        name = "SQL syntax" if "syntax error" in str(error) else "dependencies"
        raise failed_check(lines, name, str(error), error.code) from None
    lines.append(
        "ok    dependencies  every file runs after the previous ones, from an empty database"
    )
    lines.append("ok    SQL syntax    PostgreSQL understands every statement")
    return "\n".join(lines)


def structure_problems(migrations: list[Migration]) -> list[str]:
    """What is wrong with names, versions, directives and down files."""
    texts = {migration.name: migration.sql for migration in migrations}
    down_names = {file.name for file in project.down_dir().glob("*")}
    known = {*texts, "atlas.sum", project.down_dir().name}
    return [
        *(
            f"{name} is not named <YYYYMMDDHHMMSS>_<what_it_does>.sql"
            for name in texts
            if not FILE_NAME.fullmatch(name)
        ),
        *(
            f"{name}: Atlas ignores its txmode directive, which needs a blank line after it"
            for name, text in texts.items()
            if TXMODE_DIRECTIVE.search(text) and not runs_outside_transaction(text)
        ),
        *(
            f"{name}: `{found[0]}` is ignored. Write `-- gate:phase contract` (or expand) at the top"
            " of the file, with a blank line after it"
            for name, text in texts.items()
            if (found := PHASE_DIRECTIVE.search(text)) and not PHASE.match(text)
        ),
        *refusals(texts),
        *(f"down/{name} belongs to no migration" for name in sorted(down_names - texts.keys())),
        *(
            f"migrations/{file.name} is no migration"
            for file in sorted(project.migrations_dir().iterdir())
            if file.name not in known and not file.name.startswith(".")
        ),
    ]


def failed_check(lines: list[str], name: str, reason: str, code: Exit = Exit.ERROR) -> MigrateError:
    """The error for a failed check, after the lines of those that passed."""
    return MigrateError("\n".join([*lines, f"FAIL  {name:<13} {reason}"]), code)


def check_in_sync() -> str:
    """Check that the migrations match the models and the .sql files.

    Raises:
        MigrateError: they do not (exit code 2); with the changes.
    """
    if changes := changes_not_in_migrations():
        raise MigrateError(
            f"the migrations do not match the models and the .sql files:\n{changes}\n"
            f"No file was written. Create the migration: {project.command('create', 'what changed')}",
            Exit.DRIFT,
        )
    return "\n".join(["the migrations match the models", *notes_on_between(begun())])


def changes_not_in_migrations() -> str:
    """What the migrations lack, beginning with Atlas's SQL for tables; empty when they match."""
    with current_and_between() as (current_url, desired_url, _):
        current, desired = read_schema(current_url), read_schema(desired_url)
        changes = diff_normalized(desired, current)
        if not changes:
            return ""
        schemas = common_schemas(current, desired)
        names = names_to_escape({current_url: current, desired_url: desired})
        try:
            statements = diff_databases(current_url, desired_url, schemas, names)
        except MigrateError:  # what Atlas cannot plan is told object by object
            statements = []
    # What Atlas has planned is shown as its SQL alone.
    rest = [
        each
        for each in changes
        if not statements or each.kind not in PLANNED_BY_ATLAS or each.schema not in schemas
    ]
    described = [
        line
        for change in rest
        for line in (f"{change.how} in the migrations: {change.title}", *change.lines())
    ]
    legend = ["- in the models and the .sql files, + in the migrations"] if described else []
    return "\n".join([*statements, *described, *legend])
