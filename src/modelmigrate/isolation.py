"""The environment of the programs that we run: what is meant for something else does not reach them."""

import os
import re

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


def isolated(**variables: str) -> dict[str, str]:
    """The environment for a child process: ours, without what is meant for something else, and with
    these variables."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not FOREIGN.match(name) or MEANT_FOR_ALL.match(name)
    }
    return inherited | variables
