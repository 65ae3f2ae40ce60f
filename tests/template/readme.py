"""Run a README: `bash` blocks are typed, `diff` blocks pasted where they say, `sql` blocks kept."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.conftest import run

BLOCK = re.compile(r"^```(bash|diff|sql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
USUAL = "8000"


def follow(readme: Path, project: Path) -> None:
    """Do what the README says, in its order; a command that fails ends the test."""
    port = free_port()
    with ExitStack() as background:
        for language, block in BLOCK.findall(readme.read_text(encoding="utf-8")):
            if language == "diff":
                patch(block, project)
                continue
            if language == "sql":
                where, _, text = block.partition("\n")
                (project / where.removeprefix("-- ")).write_text(text, encoding="utf-8")
                continue
            for command in commands(block):
                if command == "make run":
                    background.enter_context(served(project, port))
                    continue
                done = run("bash", "-c", command.replace(f":{USUAL}", f":{port}"), at=project)
                assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"


def commands(block: str) -> list[str]:
    joined = block.replace("\\\n", " ")
    return [line for line in (re.sub(r"\s+# .*", "", line) for line in joined.splitlines()) if line]


def patch(block: str, project: Path) -> None:
    """The block's first line names the file; each of its changes, parted by @@, fits in one place."""
    where, _, changes = block.partition("\n")
    file = project / where.removeprefix("# ")
    text = file.read_text(encoding="utf-8")
    for change in changes.split("@@\n"):
        lines = change.splitlines(keepends=True)
        old, new = ("".join(line[1:] or line for line in lines if line[0] != out) for out in "+-")
        assert text.count(old) == 1, f"{where}: found {text.count(old)} times:\n{old}"
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


@contextmanager
def served(project: Path, port: int) -> Iterator[None]:
    """`make run`, until it is not needed any more."""
    server = subprocess.Popen(
        ("make", "run", f"port={port}"),
        cwd=project,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not reachable(port):
            assert server.poll() is None, "make run ended"
            assert time.monotonic() < deadline, "make run serves nothing"
            time.sleep(0.1)
        yield
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def reachable(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
