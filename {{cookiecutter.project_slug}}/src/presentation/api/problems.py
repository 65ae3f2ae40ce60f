"""Errors on the wire: every one is a problem document (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from http.client import responses
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.utils import is_body_allowed_for_status_code
from starlette.exceptions import HTTPException
from starlette.routing import Match

from application.ports import Unauthenticated, Unavailable
from domain.errors import Conflict, DomainError, Forbidden, NotFound, StaleVersion

MEDIA_TYPE = "application/problem+json"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
RETRY = {"Retry-After": "1"}
MOST_FAULTS, LONGEST_FAULT = 20, 200  # a report must not grow with what was sent

STATUS: dict[type[DomainError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Forbidden: HTTPStatus.FORBIDDEN,
    StaleVersion: HTTPStatus.PRECONDITION_FAILED,
}

log = structlog.stdlib.get_logger()


def respond(
    status: int, members: Mapping[str, Any] = {}, headers: Mapping[str, str] | None = None
) -> Response:
    """The members are those of `schemas.Problem`, and what else a program may want to know."""
    if not is_body_allowed_for_status_code(status):
        return Response(status_code=status, headers=headers)
    usual = {"type": "about:blank", "title": responses.get(status, "Error")}
    # Escaped to ASCII: a client's own field names, repeated in `errors`, may not fit into UTF-8.
    body = json.dumps({**usual, **members, "status": status})
    return Response(body, status, headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make problems of what endpoints raise; what nobody foresaw is left to `AccessLog`."""

    @app.exception_handler(DomainError)
    async def refused(_: Request, error: DomainError) -> Response:
        status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
        detail = {"detail": str(error)} if str(error) else {}
        return respond(status, {**_named(error.code, error.title), **detail})

    @app.exception_handler(Unauthenticated)
    async def unauthenticated(_: Request, error: Unauthenticated) -> Response:
        problem, challenge = _named("unauthenticated", "Send a bearer token"), 'Bearer realm="api"'
        if reason := str(error):
            problem["detail"] = f"{reason}."
            challenge += f', error="invalid_token", error_description="{reason}"'  # RFC 6750
        return respond(401, problem, {"WWW-Authenticate": challenge})

    @app.exception_handler(Unavailable)
    async def unavailable(_: Request, error: Unavailable) -> Response:
        log.warning(f"{error.what} is not available", cause=str(error))
        return respond(503, _named("unavailable", "Not possible now; try again"), RETRY)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        faults = error.errors()
        if [(each["type"], *each["loc"]) for each in faults] == [("missing", "header", "if-match")]:
            return respond(
                428, _named("if-match-missing", "Send the ETag last seen in If-Match, or *")
            )
        problem = _named("invalid-request", "The request is not valid")
        problem["errors"] = {
            ".".join(map(str, each["loc"]))[:LONGEST_FAULT]: each["msg"][:LONGEST_FAULT]
            for each in faults[:MOST_FAULTS]
        }
        if len(faults) > MOST_FAULTS:
            problem["detail"] = f"The first {MOST_FAULTS} of {len(faults)} faults"
        return respond(422, problem)

    @app.exception_handler(HTTPException)
    async def failed(request: Request, error: HTTPException) -> Response:
        status, headers = error.status_code, {**(error.headers or {})}
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = _allowed_methods(request)
            status = HTTPStatus.NO_CONTENT if request.method == "OPTIONS" else status
        detail = jsonable_encoder(error.detail)
        if not isinstance(detail, dict):
            detail = {"detail": detail if isinstance(detail, str) else json.dumps(detail)}
        return respond(status, detail, headers)


def _named(code: str, title: str) -> dict[str, Any]:
    return {"type": f"urn:problem:{code}", "title": title}


def _allowed_methods(request: Request) -> str:
    """All that the path has: the framework knows those of one route."""
    routes = request.app.router.routes
    scopes = ({**request.scope, "method": method} for method in METHODS)
    matches = ((scope, route.matches(scope)[0]) for scope in scopes for route in routes)
    served = [scope["method"] for scope, match in matches if match is Match.FULL]
    return ", ".join([*served, *["HEAD"][: "GET" in served], "OPTIONS"])
