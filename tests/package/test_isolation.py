"""What reaches the programs that we run, of what others have set."""

import pytest

from modelmigrate.isolation import isolated


@pytest.mark.parametrize(
    "name",
    [
        *("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "PYTHONSTARTUP", "PYTHONWARNINGS"),
        *("UV_NO_DEV", "UV_NO_SYNC", "UV_FROZEN", "UV_LOCKED", "UV_ENV_FILE", "UV_PROJECT"),
        *("UV_WORKING_DIR", "UV_SYSTEM_PYTHON", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_PRERELEASE"),
        *("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGOPTIONS", "PGPASSWORD", "PGSSLMODE"),
        *("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"),
        *("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "CONDA_PREFIX"),
    ],
)
def test_what_is_meant_for_something_else_is_kept_out(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "theirs")
    assert name not in isolated()
    assert isolated(**{name: "ours"})[name] == "ours"


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "TMPDIR", "LANG", "HTTPS_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
        *("UV", "UV_INDEX", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_CORP_PASSWORD"),
        *("UV_OFFLINE", "UV_CACHE_DIR", "UV_PYTHON", "UV_PYTHON_INSTALL_DIR", "UV_SYSTEM_CERTS"),
        *("PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"),
        *("GIT_AUTHOR_NAME", "GIT_COMMITTER_EMAIL", "GIT_SSH_COMMAND", "GIT_CONFIG_GLOBAL"),
        *("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GITHUB_TOKEN", "GOPROXY", "DATABASE_URL"),
    ],
)
def test_what_is_meant_for_every_program_is_handed_on(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "everybody's")
    assert isolated()[name] == "everybody's"
