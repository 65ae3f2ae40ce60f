"""The environment of the programs that we run: what is meant for something else does not reach them.

So with servers of PostgreSQL: what people set for libpq is meant for the databases that they name, and
never for a server of our own.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl

# Settings of Python, uv, libpq, git and virtual environments, which a shell, a hook or a pipeline has
# set for programs of its own ...
FOREIGN = re.compile(r"PYTHON|UV_|PG[A-Z]|GIT_|VIRTUAL_ENV|CONDA_(PREFIX|DEFAULT_ENV)")
# ... but for those that are meant for every program on this machine: indexes, certificates, proxies,
# caches, which Python, who commits.
MEANT_FOR_ALL = re.compile(
    r"PYTHON(UTF8|IOENCODING|UNBUFFERED|PYCACHEPREFIX|DONTWRITEBYTECODE)$"
    r"|UV_(DEFAULT_INDEX|INDEX|EXTRA_INDEX_URL|FIND_LINKS|KEYRING_PROVIDER|CONFIG_FILE)"
    r"|UV_(INSECURE_HOST|NATIVE_TLS|SYSTEM_CERTS|HTTP|REQUEST|CONCURRENT|OFFLINE)"
    r"|UV_(CACHE_DIR|NO_CACHE|LINK_MODE|PYTHON|PROJECT_ENVIRONMENT|TOOL_DIR|TOOL_BIN_DIR)"
    r"|GIT_(AUTHOR|COMMITTER|ASKPASS|SSH|SSL|HTTP|PROXY|TERMINAL_PROMPT|EXEC_PATH|TEMPLATE_DIR)"
    r"|GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_|VALUE_)"
)
LIBPQ = re.compile(r"PG[A-Z]")


def isolated(**variables: str) -> dict[str, str]:
    """The environment for a child process: ours, without what is meant for something else, and with
    these variables."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not FOREIGN.match(name) or MEANT_FOR_ALL.match(name)
    }
    return inherited | variables


class OwnServer(NamedTuple):
    """A server that this project runs."""

    data: Path
    """Its data folder."""
    start: Callable[[], object]
    """Starts it, unless it is running."""


# The servers of our own whose URLs this process knows, by host and port as the URLs name them.
OWN_SERVERS: dict[tuple[str, str], OwnServer] = {}


def own_server(url: str) -> OwnServer | None:
    """The server of our own that a URL names; None for one that somebody else named."""
    parameters = dict(parse_qsl(url.partition("?")[2]))
    return OWN_SERVERS.get((parameters.get("host", ""), parameters.get("port", "")))


def for_client_of(url: str, **variables: str) -> dict[str, str]:
    """The environment for a program that connects to the database at `url`: with what is set for
    libpq (PGPASSWORD, PGSSLROOTCERT, ...) where somebody else named that database."""
    given = {name: os.environ[name] for name in os.environ if LIBPQ.match(name)}
    return isolated(**({} if own_server(url) else given) | variables)


@contextmanager
def without_libpq_variables() -> Iterator[None]:
    """Take what is set for libpq, which reads it in this very process, out of the environment."""
    taken = {name: os.environ.pop(name) for name in list(os.environ) if LIBPQ.match(name)}
    try:
        yield
    finally:
        os.environ.update(taken)
