import pytest

from infrastructure.settings import Settings, read_settings


def test_a_missing_database_url_ends_the_service_with_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)

    with pytest.raises(SystemExit) as end:
        read_settings()

    assert str(end.value) == "error: environment variable DATABASE_URL: Field required"


@pytest.mark.parametrize("url", ["mysql://me:secret@db/x", "postgresql://me:secret@db:port/x", "?"])
def test_a_bad_database_url_is_refused_and_its_password_not_shown(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)

    with pytest.raises(SystemExit) as end:
        read_settings()

    assert "DATABASE_URL: expected postgresql://" in str(end.value)
    assert "secret" not in str(end.value)
    assert "\n" not in str(end.value)


def test_variables_set_the_fields_of_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@db:5432/x")
    monkeypatch.setenv("DATABASE_POOL_SIZE", "7")
    monkeypatch.setenv("LOG_LEVEL", "")

    settings = read_settings()

    assert settings.database_pool_size == 7
    assert settings.log_level == Settings.model_fields["log_level"].default
    assert "secret" not in repr(settings)


KEY = "k" * 32
ISSUER = {"OIDC_ISSUER": "https://id.example.com"}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ENVIRONMENT": "production", "DEVELOPMENT_KEY": KEY}, "OIDC_ISSUER: missing"),
        ({"ENVIRONMENT": "Development", "DEVELOPMENT_KEY": KEY}, "OIDC_ISSUER: missing"),
        ({"DEVELOPMENT_KEY": ""}, "DEVELOPMENT_KEY: expected 32 characters"),
        ({"DEVELOPMENT_KEY": "change-me"}, "DEVELOPMENT_KEY: expected 32 characters"),
        (ISSUER, "OIDC_AUDIENCE: missing"),
        ({"OIDC_ISSUER": "id.example.com", "OIDC_AUDIENCE": "us"}, "OIDC_ISSUER: expected https"),
        (
            {"ENVIRONMENT": "staging", "OIDC_ISSUER": "http://id.test", "OIDC_AUDIENCE": "us"},
            "OIDC_ISSUER: expected https",
        ),
    ],
)
def test_a_service_that_cannot_know_who_calls_does_not_start(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    for name, value in ({"DATABASE_URL": "postgresql://db/x"} | variables).items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as end:
        read_settings()

    assert str(end.value).startswith(f"error: environment variable {said}")
    assert KEY not in str(end.value)
    assert "\n" not in str(end.value)


def test_a_service_with_an_issuer_starts_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"ENVIRONMENT": "production", "OIDC_AUDIENCE": "us", "DEVELOPMENT_KEY": ""}
    for name, value in ({"DATABASE_URL": "postgresql://db/x"} | ISSUER | variables).items():
        monkeypatch.setenv(name, value)

    assert read_settings().oidc_issuer == ISSUER["OIDC_ISSUER"]
