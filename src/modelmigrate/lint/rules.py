"""Migrations looked at by the rules, and what each allows."""

from modelmigrate.atlas import directory
from modelmigrate.atlas.directory import require_migrations
from modelmigrate.errors import Exit, ToolError
from modelmigrate.lint.destructive import drops
from modelmigrate.migrations.branch import compare

ALLOW = "-- lint:allow "


def lint(base: str | None = None) -> str:
    """Look at the newest migration, or at all that this branch adds to `base`.

    Raises:
        ToolError: one drops something that it does not say it may (exit code 3).
    """
    require_migrations()
    migrations = directory.migrations()
    own = compare(base).own if base else [migrations[-1].name]
    findings = [
        f"  {migration.name} drops {dropped}"
        for number, migration in enumerate(migrations, 1)
        if migration.name in own
        for dropped in drops(migrations[:number])
        if f"{ALLOW}{dropped}" not in migration.sql.splitlines()
    ]
    if findings:
        raise ToolError(
            "\n".join(findings)
            + "\nWhoever still uses that will fail. Release the code that does without it first;"
            f" then write above the statement, say\n{ALLOW}{findings[0].partition(' drops ')[2]}\n"
            "and run make migrate-hash.",
            Exit.REFUSED,
        )
    return f"nothing that is in use is dropped by {', '.join(own) or 'any new migration'}"
