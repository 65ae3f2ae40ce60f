"""Are the migration files valid, and do they say what the models say?"""

from modelmigrate import project
from modelmigrate.atlas.commands import diff_databases
from modelmigrate.atlas.directory import FILE_NAME, TXMODE_DIRECTIVE, Migration, read_migrations
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.planning.kinds import PLANNED_BY_ATLAS
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.rebuild import diff_normalized
from modelmigrate.schema.states import current_and_desired, replay_migrations


def validate_migrations() -> str:
    """Check integrity, structure, dependencies and syntax; a line each.

    Raises:
        MigrateError: one of them fails; the others' lines, and what is wrong.
    """
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
    lines.append("ok    dependencies  every file runs after the ones before it, from empty")
    lines.append("ok    SQL syntax    PostgreSQL understands every statement")
    return "\n".join(lines)


def structure_problems(migrations: list[Migration]) -> list[str]:
    """What is wrong with names, versions, directives and down files."""
    names = [migration.name for migration in migrations]
    versions = [migration.version for migration in migrations]
    backs = (
        {file.name for file in project.down_dir().glob("*")}
        if project.down_dir().exists()
        else set()
    )
    known = {*names, "atlas.sum", project.down_dir().name}
    return [
        *(
            f"{name} is not named <YYYYMMDDHHMMSS>_<what_it_does>.sql"
            for name in names
            if not FILE_NAME.fullmatch(name)
        ),
        *(
            f"version {version} is given twice"
            for version in sorted({v for v in versions if versions.count(v) > 1})
        ),
        *(
            f"{each.name}: Atlas ignores its txmode directive, which needs a blank line after it"
            for each in migrations
            if each.in_transaction and TXMODE_DIRECTIVE.search(each.sql)
        ),
        *(f"down/{name} belongs to no migration" for name in sorted(backs - set(names))),
        *(
            f"migrations/{file.name} is no migration"
            for file in sorted(project.migrations_dir().iterdir())
            if file.name not in known and not file.name.startswith(".")
        ),
    ]


def failed_check(lines: list[str], name: str, reason: str, code: Exit = Exit.ERROR) -> MigrateError:
    return MigrateError("\n".join([*lines, f"FAIL  {name:<13} {reason}"]), code)


def check_in_sync() -> str:
    """The models, with the .sql files beside them, and the migrations say the same.

    Raises:
        MigrateError: they do not (exit code 2).
    """
    if found := changes_not_in_migrations():
        raise MigrateError(
            f"models and .sql files say something else than the migrations:\n{found}\n"
            'Nothing was written. Write it down: make migrate-create m="what changed"',
            Exit.DRIFT,
        )
    return "the models and the migrations agree"


def changes_not_in_migrations() -> str:
    """What the migrations lack, beginning with Atlas's SQL for tables; empty when they agree."""
    with current_and_desired() as (old, new):
        wanted, found = read_schema(new), read_schema(old)
        if not (differences := diff_normalized(wanted, found)):
            return ""
        tables = diff_databases(old, new)
    rest = [e for e in differences if not tables or e.kind not in PLANNED_BY_ATLAS]
    lines = [line for e in rest for line in (f"{e.how} in the migrations: {e.label}", *e.lines())]
    return "\n".join([*tables, *lines])
