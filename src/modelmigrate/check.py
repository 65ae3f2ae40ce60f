"""Are the migration files valid, and do they say what the models say?"""

from modelmigrate import project
from modelmigrate.atlas import directory
from modelmigrate.atlas.commands import diff
from modelmigrate.atlas.directory import DIRECTIVE, FILE_NAME, Migration
from modelmigrate.errors import Exit, ToolError
from modelmigrate.planning.kinds import INSIDE_TABLES
from modelmigrate.schema.dump import read
from modelmigrate.schema.rebuild import unlike
from modelmigrate.schema.states import replayed, states


def validate() -> str:
    """Check integrity, structure, dependencies and syntax; a line each.

    Raises:
        ToolError: one of them fails; the others' lines, and what is wrong.
    """
    lines: list[str] = []
    try:
        migrations = directory.migrations()
        lines.append(f"ok    integrity     atlas.sum matches {len(migrations)} file(s)")
    except ToolError as error:
        raise failure(lines, "integrity", str(error), error.code) from None
    if problems := structure(migrations):
        raise failure(lines, "structure", "\n".join(problems))
    lines.append("ok    structure     names, versions, directives and down files")
    try:
        with replayed(migrations):
            pass
    except ToolError as error:
        name = "SQL syntax" if "syntax error" in str(error) else "dependencies"
        raise failure(lines, name, str(error), error.code) from None
    lines.append("ok    dependencies  every file runs after the ones before it, from empty")
    lines.append("ok    SQL syntax    PostgreSQL understands every statement")
    return "\n".join(lines)


def structure(migrations: list[Migration]) -> list[str]:
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
            if each.in_transaction and DIRECTIVE.search(each.sql)
        ),
        *(f"down/{name} belongs to no migration" for name in sorted(backs - set(names))),
        *(
            f"migrations/{file.name} is no migration"
            for file in sorted(project.migrations_dir().iterdir())
            if file.name not in known and not file.name.startswith(".")
        ),
    ]


def failure(lines: list[str], name: str, reason: str, code: Exit = Exit.ERROR) -> ToolError:
    return ToolError("\n".join([*lines, f"FAIL  {name:<13} {reason}"]), code)


def agree() -> str:
    """The models, with the .sql files beside them, and the migrations say the same.

    Raises:
        ToolError: they do not (exit code 2).
    """
    if found := missing():
        raise ToolError(
            f"models and .sql files say something else than the migrations:\n{found}\n"
            'Nothing was written. Write it down: make migrate-create m="what changed"',
            Exit.DRIFT,
        )
    return "the models and the migrations agree"


def missing() -> str:
    """What the migrations lack, beginning with Atlas's SQL for tables; empty when they agree."""
    with states() as (old, new):
        wanted, found = read(new), read(old)
        if not (differences := unlike(wanted, found)):
            return ""
        tables = diff(old, new)
    rest = [e for e in differences if not tables or e.kind not in INSIDE_TABLES]
    lines = [line for e in rest for line in (f"{e.how} in the migrations: {e.label}", *e.lines())]
    return "\n".join([*tables, *lines])
