from pathlib import Path

import pytest
from modelmigrate.postgres.scratch import scratch_database
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.persistence.database import create_engine
from infrastructure.persistence.schema_version import newest_migration, remembered, why_not_ready
from infrastructure.settings import Settings

pytestmark = pytest.mark.anyio


def migrations(directory: Path, *versions: str) -> Path:
    for version in versions:
        (directory / f"{version}_name.sql").touch()
    return directory


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
