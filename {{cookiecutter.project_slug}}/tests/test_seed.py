import pytest
from pydantic import SecretStr

from infrastructure.settings import Settings
from seed import TEAMS, USERS, seed

pytestmark = pytest.mark.anyio

NOWHERE = SecretStr("postgresql://127.0.0.1:1/nowhere")


async def test_what_is_there_already_is_not_added_again(settings: Settings) -> None:
    assert await seed(settings) == [*USERS, *TEAMS]
    assert await seed(settings) == []


@pytest.mark.parametrize(
    ("environment", "reason"),
    [("staging", "for development alone"), ("development", "make migrate")],
)
async def test_nothing_is_added_elsewhere_or_without_the_schema(
    environment: str, reason: str
) -> None:
    settings = Settings(
        database_url=NOWHERE,
        environment=environment,
        oidc_issuer="https://id.example.com",
        oidc_audience="us",
    )

    with pytest.raises(SystemExit, match=reason):
        await seed(settings)
