"""What a migration takes away from programs that run while it is applied: seen by applying it."""

from collections.abc import Iterator
from contextlib import closing

from tools.errors import Exit, ToolError
from tools.schema import atlas, catalog, down, dump, history, objects, postgres, team
from tools.schema.history import Migration

ALLOW = "-- lint:allow "
KINDS = {"TABLE", "TYPE", *objects.KINDS}
VIEW_COLUMNS = """
    SELECT format('%I.%I', nspname, relname), quote_ident(attname)
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('v', 'm') AND attnum > 0 AND nspname NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1, attnum"""


def lint(base: str | None = None) -> str:
    """Look at the newest migration, or at all that this branch adds to `base`.

    Raises:
        ToolError: one drops something that it does not say it may (exit code 3).
    """
    atlas.require_migrations()
    migrations = history.migrations()
    own = team.compare(base).own if base else [migrations[-1].name]
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


def drops(migrations: list[Migration]) -> Iterator[str]:
    """What is gone once the last of these is applied, renames apart."""
    with down.one_after_another(migrations, 1) as (before, after):
        old, new = catalog.things(before), catalog.things(after)
        schema, changed = dump.read(before), dump.read(after)
        views, views_after = view_columns(before), view_columns(after)
    renamed = {
        thing.owner
        for key, thing in old.items()
        if thing.kind in ("relation", "type") and key in new and new[key].owner != thing.owner
    }
    for label, entry in schema.items():
        holder = entry.name.partition(" ")[0]  # a trigger's table
        if entry.kind in KINDS and label not in changed and not {entry.name, holder} & renamed:
            yield label
    columns = {(thing.owner, thing.name) for thing in new.values() if thing.kind == "column"}
    for key, thing in old.items():
        stays = f"TABLE {thing.owner}" in changed and (thing.owner, thing.name) not in columns
        if thing.kind == "column" and key not in new and stays:
            yield f"COLUMN {thing.owner}.{thing.name}"
    for view, column in views:
        if (view, column) not in views_after and any(view == other for other, _ in views_after):
            yield f"COLUMN {view}.{column}"


def view_columns(url: str) -> list[tuple[str, str]]:
    with closing(postgres.connect(url)) as connection:
        return connection.execute(VIEW_COLUMNS).fetchall()
