"""The service against the same endpoints in other stacks, on the same machine, server and rows.

ours        a fresh bake, as users get it: access log, request ids, ETags, soft deletion
full-stack  FastAPI, SQLModel and psycopg, synchronous: fastapi/full-stack-fastapi-template
s3rius      FastAPI, SQLAlchemy and asyncpg, asynchronous: s3rius/FastAPI-template
bare        FastAPI and psycopg, a statement for each request and nothing else

Each is one process of uvicorn with its defaults. They take turns in one run: read the ratios, and
the processor's time of a request (of the server alone, by the kernel's count) before requests a
second, of which the load itself takes its share. Run by `make benchmark`.
"""

import argparse
import asyncio
import base64
import hmac
import itertools
import json
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import NamedTuple, cast
from uuid import uuid4

import psutil
import psycopg

from benchmarks.schema import SLUG, environment, in_memory, run

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "benchmarks" / "peers"
ROUNDS, SECONDS, CALLERS = 5, 1.5, 16
USERS = 1000
HEADER = b'{"alg": "HS256", "typ": "JWT"}'
PACKAGES = (
    "asyncpg==0.32.0",
    "fastapi==0.165.0",
    "psycopg[binary,pool]==3.3.9",
    "pydantic[email]==2.14.4",
    "pyjwt==2.15.1",
    "sqlalchemy[asyncio]==2.1.9",
    "sqlmodel==0.0.50",
    "uvicorn[standard]==0.54.0",
)


class Side(NamedTuple):
    name: str
    module: str
    tokens: bool = True
    telemetry: bool = False


SIDES = (
    Side("ours", "ours"),
    Side("ours, telemetry", "ours", telemetry=True),
    Side("full-stack", "full_stack"),
    Side("s3rius", "s3rius"),
    Side("bare", "bare"),
    Side("ours, no tokens", "ours", tokens=False),
    Side("full-stack, no tokens", "full_stack", tokens=False),
    Side("s3rius, no tokens", "s3rius", tokens=False),
    Side("bare, no tokens", "bare", tokens=False),
)


class Spent(NamedTuple):
    requests_per_second: float
    milliseconds: float
    """Of the processor, for a request."""


Measured = dict[tuple[str, Side], list[Spent]]


class Caller(asyncio.Protocol):
    """A connection that sends the next request when the answer to the last is complete."""

    def __init__(self, requests: Iterator[bytes], expected: bytes) -> None:
        self._requests, self._expected = requests, expected
        self._buffer, self.answered = b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if not end or len(body) < int(length):
            return
        if not head.startswith(b"HTTP/1.1 " + self._expected):
            sys.exit(f"not {self._expected!r}: {self._buffer!r}")
        self._buffer = b""
        self.answered += 1
        self._transport.write(next(self._requests))


async def load(port: int, requests: Iterator[bytes], expected: bytes, seconds: float) -> int:
    """How many requests were answered in that time."""
    loop = asyncio.get_running_loop()
    make = partial(Caller, requests, expected)
    made = [await loop.create_connection(make, "127.0.0.1", port) for _ in range(CALLERS)]
    await asyncio.sleep(seconds)
    for transport, _ in made:
        transport.abort()
    return sum(caller.answered for _, caller in made)


def request(line: str, token: str, body: str = "") -> bytes:
    head = f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n{body}".encode()


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def token(key: str, subject: str) -> str:
    claims = json.dumps({"sub": subject, "exp": int(time.time()) + 3600}).encode()
    signed = f"{encoded(HEADER)}.{encoded(claims)}"
    return f"{signed}.{encoded(hmac.digest(key.encode(), signed.encode(), 'sha256'))}"


def cases(key: str, ids: list[str]) -> dict[str, tuple[Iterator[bytes], bytes]]:
    """By name: the requests, and how each answer begins."""
    ada = token(key, "ada")

    def register() -> Iterator[bytes]:
        for number in itertools.count():
            name = f"{secrets.token_hex(4)}-{number}"
            body = json.dumps({"username": name, "email": f"{name}@example.com"})
            yield request("POST /users", token(key, name), body)

    return {
        "GET one": (itertools.cycle([request(f"GET /users/{each}", ada) for each in ids]), b"200"),
        "GET 50": (itertools.repeat(request("GET /users?limit=50", ada)), b"200"),
        "POST": (register(), b"201"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each case")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=in_memory()) as folder:
        Path(folder).chmod(0o755)  # a database server without privileges has to reach it
        with ExitStack() as stack:
            project, url = stack.enter_context(project_with_rows(Path(folder)))
            peers = Path(folder, "peers")
            run(project, "uv", "venv", peers, "--python", sys.executable)
            run(project, "uv", "pip", "install", "--python", peers, *PACKAGES)
            measured = measure(stack, project, peers, url, arguments)
    report(measured)


def measure(
    stack: ExitStack,
    project: Path,
    peers: Path,
    url: str,
    arguments: argparse.Namespace,
) -> Measured:
    key = secrets.token_urlsafe(32)
    collector = stack.enter_context(collecting())
    servers = {}
    for side in SIDES:
        variables = {
            "DATABASE_URL": url,
            "DEVELOPMENT_KEY": key,
            "ENVIRONMENT": "development",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector if side.telemetry else "",
            "TOKENS": "yes" if side.tokens else "no",
        }
        python = (project / ".venv" if side.module == "ours" else peers) / "bin/python"
        servers[side] = stack.enter_context(serving(python, side.module, variables))
    with psycopg.connect(url) as connection:
        ids = [str(row[0]) for row in connection.execute("SELECT id FROM users")]
    measured: Measured = defaultdict(list)
    for number in range(-1, arguments.rounds):
        for name, (requests, expected) in cases(key, ids).items():
            # Neither side always comes first.
            for side in SIDES if number % 2 else reversed(SIDES):
                process, port = servers[side]
                before = sum(process.cpu_times()[:2])
                answered = asyncio.run(load(port, requests, expected, arguments.seconds))
                spent = sum(process.cpu_times()[:2]) - before
                if number >= 0:
                    each = Spent(answered / arguments.seconds, spent / answered * 1000)
                    measured[name, side].append(each)
                print(".", end="", file=sys.stderr, flush=True)
            with psycopg.connect(url) as connection:
                connection.execute("DELETE FROM users WHERE username NOT LIKE 'user-%'")
    return measured


def report(measured: Measured) -> None:
    """Each side beside ours, with tokens or without, as it is."""
    print(file=sys.stderr)
    for name in dict.fromkeys(name for name, _ in measured):
        for side in SIDES:
            theirs = measured[name, side]
            ours = measured[name, next(each for each in SIDES if each.tokens == side.tokens)]
            speed = statistics.median(each.requests_per_second for each in theirs)
            effort = statistics.median(each.milliseconds for each in theirs)
            pairs = list(zip(ours, theirs, strict=True))
            faster = statistics.median(
                a.requests_per_second / b.requests_per_second for a, b in pairs
            )
            dearer = statistics.median(a.milliseconds / b.milliseconds for a, b in pairs)
            print(
                f"{name:<8} {side.name:<22} {speed:6.0f} requests/s   {effort:5.2f} ms of CPU   "
                f"ours / this: {faster:5.2f} and {dearer:5.2f}"
            )


@contextmanager
def project_with_rows(folder: Path) -> Iterator[tuple[Path, str]]:
    """A generated project, and the URL of its migrated database with users in it."""
    cookiecutter = (sys.executable, "-m", "cookiecutter", ROOT, "--no-input")
    run(ROOT, *cookiecutter, "--output-dir", folder, TMPDIR=str(folder))
    project = folder / SLUG
    try:
        run(project, "modelmigrate", "apply")
        said = subprocess.check_output(
            ("modelmigrate", "db", "url"), cwd=project, env=environment(project)
        )
        url = said.decode().strip()
        with psycopg.connect(url) as connection:
            rows = [(uuid4(), f"user-{number}") for number in range(USERS)]
            query = "INSERT INTO users (id, username, email) VALUES (%s, %s, %s)"
            connection.cursor().executemany(
                query, [(*row, f"{row[1]}@example.com") for row in rows]
            )
        yield project, url
    finally:
        run(project, "modelmigrate", "db", "stop")


@contextmanager
def serving(
    python: Path, module: str, variables: dict[str, str]
) -> Iterator[tuple[psutil.Process, int]]:
    """One process of uvicorn, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = (python, "-m", "uvicorn", f"{module}:app", "--port", str(port))
    with subprocess.Popen(
        command,
        cwd=PEERS,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    if server.poll() is not None:
                        sys.exit(f"{command} has ended")
                    time.sleep(0.05)
            yield psutil.Process(server.pid), port
        finally:
            server.terminate()


class Sink(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def collecting() -> Iterator[str]:
    """The address of a collector, which forgets what it is sent."""
    with HTTPServer(("127.0.0.1", 0), Sink) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{collector.server_port}"
        collector.shutdown()


if __name__ == "__main__":
    if not shutil.which("uv"):
        sys.exit("run me by `make benchmark`: it brings uv")
    main()
