"""Requests that never cease, and the proxy that decides which version of the service answers them."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import NamedTuple, Protocol

TIMEOUT = 10  # seconds: what takes longer counts as lost
CLIENTS, PAUSE = 2, 0.04
NO_ANSWER = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Upstream(Protocol):
    """A version of the service, as far as the proxy knows it."""

    @property
    def name(self) -> str: ...

    @property
    def port(self) -> int: ...


class Answer(NamedTuple):
    """What one request came to."""

    status: int
    """0 where none came, or not the whole of it."""
    text: bytes = b""

    @property
    def is_good(self) -> bool:
        """Whether it is no fault of the service."""
        return 0 < self.status < 500

    @property
    def body(self) -> str:
        return self.text.partition(b"\r\n\r\n")[2].decode(errors="replace")


class Event(NamedTuple):
    """A version has answered, or failed to."""

    at: float
    version: str
    status: int


async def exchange(port: int, request: bytes) -> Answer:
    """Send a request, on a connection of its own, and read the whole answer."""
    writer = None
    try:
        async with asyncio.timeout(TIMEOUT):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            text = await reader.read(-1)
    except (OSError, TimeoutError):
        return Answer(0)
    finally:
        if writer:
            writer.close()
    head, _, body = text.partition(b"\r\n\r\n")
    lines = [line.lower() for line in head.split(b"\r\n")]
    lengths = [int(each[15:]) for each in lines if each.startswith(b"content-length:")]
    is_whole = head.startswith(b"HTTP/1.1 ") and lengths in ([], [len(body)])
    return Answer(int(head.split(b" ", 2)[1]), text) if is_whole else Answer(0)


async def ask(port: int, path: str, token: str = "") -> Answer:
    """The answer to a GET."""
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{bearer}Connection: close\r\n\r\n"
    return await exchange(port, head.encode())


@dataclass
class Proxy:
    """Hands requests to one version, and what that one fails at to another, which had them before."""

    active: Upstream | None = None
    fallback: Upstream | None = None
    port: int = 0
    began: float = field(default_factory=time.monotonic)
    events: list[Event] = field(default_factory=list)
    busy: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    lost: int = 0
    ended: bool = False

    def begin(self, port: int, active: Upstream) -> None:
        """Listen there for this version."""
        self.port, self.active, self.began = port, active, time.monotonic()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        with suppress(OSError, asyncio.IncompleteReadError):  # who asked has gone
            request = await reader.readuntil(b"\r\n\r\n")
            active, fallback = self.active, self.fallback
            answer = await self._ask(active, request) if active else Answer(0)
            if not answer.is_good and fallback:
                self.repeated += 1
                answer = await self._ask(fallback, request)
            writer.write(answer.text or NO_ANSWER)
            await writer.drain()
        writer.close()

    async def _ask(self, version: Upstream, request: bytes) -> Answer:
        with self._busy(version.name):
            answer = await exchange(version.port, request)
        self.events.append(Event(self.seconds, version.name, answer.status))
        return answer

    @contextmanager
    def _busy(self, name: str) -> Iterator[None]:
        self.busy[name] += 1
        try:
            yield
        finally:
            self.busy[name] -= 1

    async def drained(self, version: Upstream) -> None:
        """Wait until a version that gets no more requests has answered those that it has."""
        while self.busy[version.name]:  # noqa: ASYNC110 a moment
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def under_load(self, paths: Sequence[str], token: str) -> AsyncIterator[None]:
        """Requests for these paths all the time, and all of them answered in the end."""
        clients = [asyncio.create_task(self._load(paths, token)) for _ in range(CLIENTS)]
        try:
            yield
        finally:
            self.ended = True
            await asyncio.gather(*clients)

    async def _load(self, paths: Sequence[str], token: str) -> None:
        for path in cycle(paths):
            if self.ended:
                return
            answer = await ask(self.port, path, token)
            self.lost += not answer.is_good
            await asyncio.sleep(PAUSE)
