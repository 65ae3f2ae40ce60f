"""Migrations looked at by the rules, and what each allows."""

from modelmigrate.atlas.directory import read_migrations, require_migrations
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.lint.destructive import dropped_objects
from modelmigrate.migrations.branch import compare_branches

ALLOW = "-- lint:allow "


def lint_migrations(base: str | None = None) -> str:
    """Look at the newest migration, or at all that this branch adds to `base`.

    Raises:
        MigrateError: one drops something that it does not say it may (exit code 3).
    """
    require_migrations()
    migrations = read_migrations()
    own = compare_branches(base).added if base else [migrations[-1].name]
    findings = [
        f"  {migration.name} drops {dropped}"
        for number, migration in enumerate(migrations, 1)
        if migration.name in own
        for dropped in dropped_objects(migrations[:number])
        if f"{ALLOW}{dropped}" not in migration.sql.splitlines()
    ]
    if findings:
        raise MigrateError(
            "\n".join(findings)
            + "\nWhoever still uses that will fail. Release the code that does without it first;"
            f" then write above the statement, say\n{ALLOW}{findings[0].partition(' drops ')[2]}\n"
            "and run make migrate-hash.",
            Exit.REFUSED,
        )
    return f"nothing that is in use is dropped by {', '.join(own) or 'any new migration'}"
