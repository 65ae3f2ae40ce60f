"""What reaches the programs that we run, of what others have set."""

import pytest

from modelmigrate.isolation import isolated
from tests.conftest import TREE, run

MEANT_FOR_SOMETHING_ELSE = (
    *("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "PYTHONSTARTUP", "PYTHONWARNINGS"),
    *("UV_NO_DEV", "UV_NO_SYNC", "UV_FROZEN", "UV_LOCKED", "UV_PROJECT", "UV_WORKING_DIR"),
    *("UV_SYSTEM_PYTHON", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_PRERELEASE", "UV_NO_SOURCES"),
    *("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT"),
)
# The targets of make let these through: the tests of a service may ask for them, and make says itself
# which file uv reads settings from.
NOT_OUR_CHILDRENS = (
    *("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGOPTIONS", "PGPASSWORD", "PGSSLMODE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE", "CONDA_PREFIX", "UV_ENV_FILE"),
)
MEANT_FOR_ALL = (
    *("HOME", "TMPDIR", "LANG", "HTTPS_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "UV"),
    *("UV_INDEX", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_CORP_PASSWORD", "UV_FIND_LINKS"),
    *("UV_OFFLINE", "UV_CACHE_DIR", "UV_PYTHON", "UV_PYTHON_INSTALL_DIR", "UV_SYSTEM_CERTS"),
    *("UV_CONFIG_FILE", "UV_HTTP_TIMEOUT", "UV_LINK_MODE", "UV_TOOL_DIR", "UV_NATIVE_TLS"),
    *("PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONUNBUFFERED"),
    *("GIT_AUTHOR_NAME", "GIT_COMMITTER_EMAIL", "GIT_SSH_COMMAND", "GIT_CONFIG_GLOBAL"),
    *("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GITHUB_TOKEN", "GOPROXY", "DATABASE_URL"),
)


@pytest.mark.parametrize("name", MEANT_FOR_SOMETHING_ELSE + NOT_OUR_CHILDRENS)
def test_what_is_meant_for_something_else_is_kept_out(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "theirs")
    assert name not in isolated()
    assert isolated(**{name: "ours"})[name] == "ours"


@pytest.mark.parametrize("name", MEANT_FOR_ALL)
def test_what_is_meant_for_every_program_is_handed_on(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "everybody's")
    assert isolated()[name] == "everybody's"


def test_the_targets_of_make_let_the_same_through() -> None:
    printing = ("--eval", "shown: ; @env", "shown")
    theirs = dict.fromkeys(MEANT_FOR_SOMETHING_ELSE + MEANT_FOR_ALL, "theirs")
    shown = run("make", *printing, at=TREE, env=theirs).stdout.splitlines()
    reached = {line.partition("=")[0] for line in shown if line.endswith("=theirs")}
    assert reached == set(MEANT_FOR_ALL)
