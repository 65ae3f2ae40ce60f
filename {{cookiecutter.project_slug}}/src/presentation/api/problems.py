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
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match

from application.ports import Unavailable
from domain.errors import Conflict, DomainError, NotFound, StaleVersion

MEDIA_TYPE = "application/problem+json"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
RETRY = {"Retry-After": "1"}
MOST_FAULTS, LONGEST_FAULT = 20, 200  # a report must not grow with what was sent

STATUS: dict[type[DomainError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    StaleVersion: HTTPStatus.PRECONDITION_FAILED,
}

log = structlog.stdlib.get_logger()


class Problem(BaseModel):
    """`type` tells programs what is wrong; `errors` has a message for each field of the request."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    errors: dict[str, str] | None = None


# For OpenAPI: what any operation may answer besides its success.
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
    }
    for status, description in (("4XX", "Refused"), ("5XX", "Failed"), (503, "Not now"))
}


def respond(status: int, headers: Mapping[str, str] | None = None, /, **members: Any) -> Response:
    """The members are those of a Problem, and what else a program may want to know."""
    if not is_body_allowed_for_status_code(status):
        return Response(status_code=status, headers=headers)
    title = responses.get(status, "Error")
    problem = {"type": "about:blank", "title": title} | members | {"status": status}
    # Escaped to ASCII: a client's own field names, repeated in `errors`, may not fit into UTF-8.
    body = json.dumps({name: value for name, value in problem.items() if value is not None})
    return Response(body, status, headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make problems of what endpoints raise; what nobody foresaw is left to `AccessLog`."""

    @app.exception_handler(DomainError)
    async def refused(_: Request, error: DomainError) -> Response:
        status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
        kind = f"urn:problem:{error.code}"
        return respond(status, type=kind, title=error.title, detail=str(error) or None)

    @app.exception_handler(Unavailable)
    async def unavailable(_: Request, error: Unavailable) -> Response:
        log.warning("database is not available", cause=str(error))
        title = "The service cannot do this now; try again"
        return respond(503, RETRY, type="urn:problem:unavailable", title=title)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        faults = error.errors()
        if [(each["type"], *each["loc"]) for each in faults] == [("missing", "header", "if-match")]:
            title = "Send the ETag of what you have read in If-Match, or *"
            return respond(428, type="urn:problem:if-match-missing", title=title)
        shown = {
            ".".join(map(str, each["loc"]))[:LONGEST_FAULT]: each["msg"][:LONGEST_FAULT]
            for each in faults[:MOST_FAULTS]
        }
        kind, title = "urn:problem:invalid-request", "The request is not valid"
        some = f"The first {len(shown)} of {len(faults)} faults" if faults[MOST_FAULTS:] else None
        return respond(422, type=kind, title=title, detail=some, errors=shown)

    @app.exception_handler(HTTPException)
    async def failed(request: Request, error: HTTPException) -> Response:
        status, headers = error.status_code, {**(error.headers or {})}
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = _allowed_methods(request)
            status = HTTPStatus.NO_CONTENT if request.method == "OPTIONS" else status
        detail = jsonable_encoder(error.detail)
        if not isinstance(detail, dict):
            detail = {"detail": detail if isinstance(detail, str) else json.dumps(detail)}
        return respond(status, headers, **detail)


def _allowed_methods(request: Request) -> str:
    """All that the path has: the framework knows those of one route."""

    def is_served(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes)

    served = [method for method in METHODS if is_served(method)]
    return ", ".join([*served, *["HEAD"][: "GET" in served], "OPTIONS"])
