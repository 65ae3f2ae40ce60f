"""The round trip: whether each down migration leads back to the schema before its migration."""

from modelmigrate import project
from modelmigrate.atlas.directory import Migration, read_migrations
from modelmigrate.atlas.refused_statements import refused_statements
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.migrations.down_files import IRREVERSIBLE
from modelmigrate.planning.proof import verify_script
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import replay_migrations
from modelmigrate.terminal import progress


def check_round_trip(names: list[str]) -> list[str]:
    """Run the down migrations of these files on copies of the schemas after them; lines for a report.

    Raises:
        MigrateError: one does not restore the schema before its migration (exit code 3).
    """
    migrations = read_migrations()
    notes, count = [], 0
    for position, migration in enumerate(migrations):
        if migration.name not in names:
            continue
        file = project.down_dir() / migration.name
        text = file.read_text(encoding="utf-8").strip() if file.exists() else IRREVERSIBLE
        if text.startswith(IRREVERSIBLE):
            notes.append(f"note: {migration.name} cannot be rolled back: {_reason(text)}")
            continue
        progress(f"verifying the down migration of {migration.name}")
        if reason := _why_not_back(migrations[: position + 1], text):
            raise MigrateError(
                f"{project.relative(file)} does not restore the schema before its migration:\n{reason}\n"
                f"Nothing was changed. Correct it; or delete it, and {project.command('hash')} writes it"
                " again.",
                Exit.REFUSED,
            )
        count += 1
    return [f"ok    round trip    {count} new down file(s) restore the schema before", *notes]


def _why_not_back(migrations: list[Migration], script: str) -> str:
    if refused := refused_statements(script):
        return "\n".join(f"  {each.lines}" for each in refused)
    with (
        replay_migrations(migrations[:-1]) as before_url,
        replay_migrations(migrations) as after_url,
    ):
        return verify_script(after_url, script, read_schema(before_url)).reason


def _reason(text: str) -> str:
    first = text.removeprefix(IRREVERSIBLE).partition("\n")[0]
    return first or f"it has no down file; {project.command('hash')} writes one"
