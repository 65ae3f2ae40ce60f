"""Errors on the wire: every one is a problem document (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from domain.errors import Conflict, DomainError, NotFound, StaleVersion

MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[DomainError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    StaleVersion: HTTPStatus.PRECONDITION_FAILED,
}


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
    for status, description in {"4XX": "Refused", "5XX": "Failed"}.items()
}


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    # Escaped to ASCII: a client's own field names, repeated in `errors`, may not fit into UTF-8.
    body = json.dumps(problem.model_dump(exclude_none=True))
    return Response(body, problem.status, headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make problems of what endpoints raise; what nobody foresaw is left to `AccessLog`."""

    @app.exception_handler(DomainError)
    async def refused(_: Request, error: DomainError) -> Response:
        status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
        kind = f"urn:problem:{error.code}"
        detail = str(error) or None
        return respond(Problem(type=kind, title=error.title, status=status, detail=detail))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        errors = {".".join(map(str, each["loc"])): each["msg"] for each in error.errors()}
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        kind = "urn:problem:invalid-request"
        title = "The request is not valid"
        return respond(Problem(type=kind, title=title, status=status, errors=errors))

    @app.exception_handler(HTTPException)
    async def failed(_: Request, error: HTTPException) -> Response:
        title = HTTPStatus(error.status_code).phrase
        problem = Problem(title=title, status=error.status_code, detail=error.detail)
        return respond(problem, error.headers)
