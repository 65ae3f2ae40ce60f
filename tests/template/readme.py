"""Follow a page as its reader would: type what it says to type, paste what it says to paste.

What is done with a block follows from its language, and from its first line, where that is a comment:

    bash                typed line by line; `# exit code 3` at the end of a line says how it fails
    LANGUAGE output     compared with what the last `bash` printed; ... stands for whatever is there
    diff                pasted into the file that its first line names
    sql                 run, if it begins with `-- by hand`, in the development database
    all else            written into the file that its first line names; without one, parsed

What nothing of this is done with is found by `unproven`.
"""

import ast
import os
import re
import signal
import socket
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import yaml

BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]*) -->\n)?"
    r"```(?P<language>\w+)(?P<output> output)?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PATH = re.compile(r"(?:#|--) ([\w./-]+\.\w+)\n")
BY_HAND = "-- by hand"
EXIT_CODE = re.compile(r"\s# .*\bexit code (\d)")
USUAL = "8000"
PARSERS: Mapping[str, Callable[[str], Any]] = {
    "python": ast.parse,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}
# What is another one each time it is printed.
CHANGING = re.compile(r"(?<!\d)\d{14}(?!\d)|\b\d+(?:\.\d+)? ?[mµ]?s\b")


class Block(NamedTuple):
    """What stands between two fences, and why it is not run, if so."""

    reason: str
    language: str
    is_output: bool
    text: str

    @property
    def path(self) -> str:
        """The file that its first line names, if it does."""
        named = PATH.match(self.text)
        return named[1] if named else ""

    @property
    def is_proven(self) -> bool:
        """Whether to follow it can fail."""
        runs = self.language in ("bash", "diff", *PARSERS) or self.text.startswith(BY_HAND)
        return runs or self.is_output or bool(self.path)


@dataclass
class Shell:
    """The reader's: where it is and what is set outlives a command, and so does what is served."""

    at: Path
    said: str = ""
    port: int = field(default_factory=lambda: free_port())
    variables: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    background: ExitStack = field(default_factory=ExitStack)


def blocks_of(text: str) -> list[Block]:
    """The blocks of a page, or of a part of it, in their order."""
    return [
        Block(each["reason"] or "", each["language"], bool(each["output"]), each["text"])
        for each in BLOCK.finditer(text)
    ]


def unproven(text: str, reasons: Mapping[str, str]) -> list[str]:
    """The blocks that nobody checks, and that have none of these reasons for it."""
    return [
        f"{block.language}\n{block.text}"
        for block in blocks_of(text)
        if (block.reason not in reasons if block.reason else not block.is_proven)
    ]


def follow(page: Path, project: Path, **variables: str) -> None:
    """Do what the page says, in its order; whatever does not come as it says ends the test."""
    shell = Shell(project)
    shell.variables |= variables
    with shell.background:
        for block in blocks_of(page.read_text(encoding="utf-8")):
            if not block.reason:
                do(block, shell)


def do(block: Block, shell: Shell) -> None:
    if block.is_output:
        assert matches(block.text, shell.said), f"{block.text}--- but it printed:\n{shell.said}"
    elif block.language == "bash":
        shell.said = "".join(type_in(line, shell) for line in lines_of(block.text))
    elif block.language == "diff":
        patch(block.text, shell.at)
    elif block.text.startswith(BY_HAND):
        by_hand(block.text, shell)
    elif block.path:
        file = shell.at / block.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text.partition("\n")[2], encoding="utf-8")
    elif block.language in PARSERS:
        PARSERS[block.language](block.text)


def matches(expected: str, printed: str) -> bool:
    """Whether that was printed, but for times and versions, and for what ... stands for."""
    known, found = (
        CHANGING.sub("N", "\n".join(line.rstrip() for line in text.strip().splitlines()))
        for text in (expected, printed)
    )
    pattern = ".*?".join(re.escape(part) for part in known.split("..."))
    return re.fullmatch(pattern, found, re.DOTALL) is not None


def lines_of(block: str) -> list[str]:
    return [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def commands(block: str) -> list[str]:
    return list(filter(None, (re.sub(r"\s+# .*", "", line) for line in lines_of(block))))


def type_in(line: str, shell: Shell) -> str:
    """Type a command; what it printed. One that fails, or fails otherwise than it says, ends the test."""
    [command] = commands(line) or [""]
    if re.fullmatch(r"make (.* )?run", command):
        shell.background.enter_context(served(shell.at, shell.port, command))
        return ""
    state = shell.at / ".shell"
    typed = command.replace(f":{USUAL}", f":{shell.port}")
    done = subprocess.run(
        ("bash", "-c", f"{typed}\ncode=$?; {{ pwd; env -0; }} > {state}; exit $code"),
        cwd=shell.at,
        env=shell.variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    code = EXIT_CODE.search(line)
    if code and command.startswith("make"):  # which says it, and ends with its own
        assert f"] Error {code[1]}\n" in done.stdout, f"$ {line}\n{done.stdout}"
    else:
        assert done.returncode == int(code[1] if code else 0), f"$ {line}\n{done.stdout}"
    place, _, variables = state.read_text(encoding="utf-8").partition("\n")
    state.unlink()
    shell.at = Path(place)
    shell.variables = dict(each.split("=", 1) for each in variables.split("\0") if each)
    return done.stdout.replace(f":{shell.port}", f":{USUAL}")


def by_hand(statements: str, shell: Shell) -> None:
    """Run SQL in the development database, as somebody does whom migrations do not interest."""
    url = type_in("make -s db-url", shell).strip()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())


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
def served(project: Path, port: int, command: str = "make run") -> Iterator[None]:
    """What a command serves, until it is not needed any more."""
    server = subprocess.Popen(
        (*command.split(), f"port={port}"),
        cwd=project,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not reachable(port):
            assert server.poll() is None, f"{command} ended"
            assert time.monotonic() < deadline, f"{command} serves nothing"
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
