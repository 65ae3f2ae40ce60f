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
