"""Configuration: environment variables, read once, in `main`."""

from pathlib import Path
from typing import Literal, Self

from pydantic import (
    NonNegativeInt,
    PositiveInt,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError


class Settings(BaseSettings):
    """Each field is the environment variable of the same name in capitals; timeouts are seconds."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    database_url: SecretStr
    database_pool_size: PositiveInt = 5
    database_max_overflow: NonNegativeInt = 5
    # Costs each request a round trip, and spares it the error after a restart of the database.
    database_pool_pre_ping: bool = False
    database_pool_timeout: PositiveInt = 2
    database_connect_timeout: PositiveInt = 3
    database_statement_timeout: PositiveInt = 10
    database_idle_timeout: PositiveInt = 30
    database_pooler: bool = False
    migrations_dir: Path = Path(__file__).parents[2] / "migrations"
    service_name: str = "service"
    environment: str = "development"
    oidc_issuer: str = ""
    oidc_audience: str = ""
    development_key: SecretStr = SecretStr("")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    max_body_bytes: PositiveInt = 1024 * 1024
    schema_version_header: bool = True
    docs_enabled: bool | None = None  # None: but for production
    cors_origins: str = ""
    otel_exporter_otlp_endpoint: str = ""

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr) -> SecretStr:
        try:
            driver = make_url(url.get_secret_value()).drivername
        except (ArgumentError, ValueError):
            driver = None
        if driver != "postgresql":
            raise ValueError("expected postgresql://user:password@host:5432/database")
        return url

    @model_validator(mode="after")
    def _knows_who_calls(self) -> Self:
        """A setting that is missing lets nobody in, rather than everybody."""
        develops = self.environment == "development"
        safe = ("https://", "http://") if develops else ("https://",)
        if not self.oidc_issuer and not develops:
            raise ValueError("OIDC_ISSUER: missing, which only ENVIRONMENT=development allows")
        if not self.oidc_issuer and len(self.development_key.get_secret_value()) < 32:
            raise ValueError("DEVELOPMENT_KEY: expected 32 characters or more, or an OIDC_ISSUER")
        if self.oidc_issuer and not self.oidc_issuer.startswith(safe):
            raise ValueError("OIDC_ISSUER: expected https://..., spelled like `iss` in its tokens")
        if self.oidc_issuer and not self.oidc_audience:
            raise ValueError("OIDC_AUDIENCE: missing: what tokens for this service have as `aud`")
        return self


def read_settings() -> Settings:
    """Ends the program with one line if variables are bad; their values may be secret."""
    try:
        return Settings()
    except ValidationError as error:
        faults = (
            "".join(f"{name}: " for name in fault["loc"]).upper()
            + fault["msg"].removeprefix("Value error, ")
            for fault in error.errors()
        )
        raise SystemExit("error: environment variable " + "; ".join(faults)) from None
