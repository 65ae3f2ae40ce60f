"""One log line for each request, and an answer for the errors that nobody foresaw."""

import logging
import re
import time
from collections.abc import Callable
from urllib.parse import quote
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from presentation.api.problems import respond

FAILURE = respond(500)
PROBES = {"/healthz", "/readyz"}

log = structlog.stdlib.get_logger()


class AccessLog:
    """ASGI middleware; the request's id, the client's if it sent one, is in all its log lines."""

    def __init__(
        self, app: ASGIApp, *, max_body_bytes: int, schema_version: Callable[[], str | None]
    ) -> None:
        self._app, self._most, self._schema_version = app, max_body_bytes, schema_version
        self._too_large = respond(413, {"detail": f"A body has at most {max_body_bytes} bytes."})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        # A HEAD is answered as a GET, whose body the server leaves out: it looks at its own scope.
        seen = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        started = time.perf_counter()
        status: int | None = None
        headers = Headers(scope=scope)
        request_id = headers.get("x-request-id", "")
        if not re.fullmatch(r"[\w.-]{1,100}", request_id, re.ASCII):
            request_id = str(uuid4())

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answer = MutableHeaders(scope=message)
                answer["X-Request-ID"] = request_id
                if version := self._schema_version():
                    answer["X-Schema-Version"] = version
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                # FastAPI limits bodies that come in chunks; its 413 for others is no problem document.
                length = headers.get("content-length", "")  # whatever somebody sends
                is_too_large = length.isdecimal() and int(length[:18]) > self._most
                await (self._too_large if is_too_large else self._app)(seen, receive, send_with_id)
            except Exception:
                log.exception("request failed")
                if status is not None:
                    raise
                await FAILURE(scope, receive, send_with_id)
            finally:
                taken = {"milliseconds": round((time.perf_counter() - started) * 1000, 1)}
                route = getattr(seen.get("route"), "path", None)  # `/users/{user_id}`
                where = {"route": route} if route else {"path": quote(scope["path"])[:200]}
                level = logging.DEBUG if route in PROBES else logging.INFO
                log.log(level, "request", method=scope["method"], status=status, **where, **taken)
