import asyncio
from pathlib import Path

import pytest
from modelmigrate.postgres.scratch import scratch_database
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.persistence.database import create_engine
from infrastructure.persistence.schema_version import (
    DatabaseSchema,
    keep_asking,
    newest_migration,
    remembered,
)
from infrastructure.settings import Settings

pytestmark = pytest.mark.anyio


def migrations(directory: Path, *versions: str) -> Path:
    for version in versions:
        (directory / f"{version}_name.sql").touch()
    return directory


def contract(directory: Path, *versions: str) -> Path:
    for version in versions:
        (directory / f"{version}_name.sql").write_text("-- gate:phase contract\n\nSELECT 1;\n")
    return directory


async def why_not_ready(engine: AsyncEngine, directory: Path) -> str | None:
    return await DatabaseSchema(engine, directory).why_not_ready()


async def test_a_migrated_database_is_ready(engine: AsyncEngine, settings: Settings) -> None:
    assert await why_not_ready(engine, settings.migrations_dir) is None


async def test_a_database_past_our_version_is_ready(engine: AsyncEngine, tmp_path: Path) -> None:
    assert await why_not_ready(engine, migrations(tmp_path, "20200101000000")) is None


async def test_a_database_behind_our_version_is_not(
    engine: AsyncEngine, settings: Settings, tmp_path: Path
) -> None:
    applied = newest_migration(settings.migrations_dir)

    reason = await why_not_ready(engine, migrations(tmp_path, "20200101000000", "90000101000000"))

    assert reason == f"The database is at version {applied}; the service needs 90000101000000."


async def test_a_contract_that_is_shipped_waits_for_the_rollout(
    engine: AsyncEngine, settings: Settings, tmp_path: Path
) -> None:
    applied = newest_migration(settings.migrations_dir) or ""
    shipped = contract(migrations(tmp_path, applied), "90000101000000")

    assert await why_not_ready(engine, shipped) is None
    assert newest_migration(shipped) == "90000101000000"
    assert newest_migration(shipped, needed=True) == applied


async def test_a_database_that_a_later_contract_has_changed_is_not_ready(
    engine: AsyncEngine, settings: Settings, tmp_path: Path
) -> None:
    """As modelmigrate marks it, for a version that has not got its file."""
    async with engine.begin() as connection:
        await connection.execute(
            text("""
            INSERT INTO atlas_schema_revisions.atlas_schema_revisions
            SELECT (jsonb_populate_record(r, jsonb_build_object(
                'version', '90000101000000', 'description', 'drop_nick.contract'))).*
            FROM atlas_schema_revisions.atlas_schema_revisions r ORDER BY version DESC LIMIT 1
            """)
        )
    known = newest_migration(settings.migrations_dir)

    reason = await why_not_ready(engine, settings.migrations_dir)

    past = "The database is past contract migration 90000101000000"
    assert reason == f"{past}; the service knows {known}."
    knowing = contract(migrations(tmp_path, known or ""), "90000101000000")
    assert await why_not_ready(engine, knowing) is None


async def test_a_database_that_was_never_migrated_is_not_ready(settings: Settings) -> None:
    with scratch_database() as url:
        engine = create_engine(Settings(database_url=SecretStr(url)))
        reason = await why_not_ready(engine, settings.migrations_dir)
        await engine.dispose()

    assert reason is not None
    assert "no readable record of migrations" in reason


async def test_a_database_that_does_not_answer_is_not_ready(settings: Settings) -> None:
    engine = create_engine(Settings(database_url=SecretStr("postgresql://127.0.0.1:1/nowhere")))

    assert await why_not_ready(engine, settings.migrations_dir) == "The database does not answer."


async def test_a_service_without_migrations_is_not_ready(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    reason = await why_not_ready(engine, tmp_path / "missing")

    assert reason == "No migrations are shipped with the service."


@pytest.mark.parametrize(("seconds", "times"), [(3600, 1), (0, 5)])
async def test_many_probes_are_one_question_for_a_while(seconds: float, times: int) -> None:
    asked: list[None] = []

    async def why() -> str:
        asked.append(None)
        return f"answer {len(asked)}"

    answer = remembered(why, seconds)

    assert {await answer() for _ in range(5)} == {f"answer {each + 1}" for each in range(times)}


async def test_the_version_is_kept_up_to_date_when_nobody_asks(
    engine: AsyncEngine, settings: Settings
) -> None:
    schema, twice = DatabaseSchema(engine, settings.migrations_dir), asyncio.Event()
    answers: list[str | None] = []

    async def ask() -> str | None:
        answers.append(await schema.why_not_ready())
        if len(answers) == 2:
            twice.set()
        return answers[-1]

    asking = asyncio.create_task(keep_asking(ask, 0))
    await asyncio.wait_for(twice.wait(), 10)
    asking.cancel()

    assert schema.version == newest_migration(settings.migrations_dir)
