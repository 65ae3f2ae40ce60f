"""One log line for each request, and an answer for the errors that nobody foresaw."""

import re
import time
from http import HTTPStatus
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from presentation.api.problems import Problem, respond

FAILURE = respond(Problem(title=HTTPStatus.INTERNAL_SERVER_ERROR.phrase, status=500))

log = structlog.stdlib.get_logger()


class AccessLog:
    """ASGI middleware; the request's id, the client's if it sent one, is in all its log lines."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        started = time.perf_counter()
        status: int | None = None
        request_id = Headers(scope=scope).get("x-request-id", "")
        if not re.fullmatch(r"[\w.-]{1,100}", request_id, re.ASCII):
            request_id = str(uuid4())

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            except Exception:
                log.exception("request failed")
                if status is not None:
                    raise
                await FAILURE(scope, receive, send_with_id)
            finally:
                taken = {"milliseconds": round((time.perf_counter() - started) * 1000, 1)}
                route = getattr(scope.get("route"), "path", None)  # `/users/{user_id}`
                log.info("request", method=scope["method"], route=route, status=status, **taken)
