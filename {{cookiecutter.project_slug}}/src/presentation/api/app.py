"""The HTTP face of the use cases."""

from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from application.ports import Identify, UnitOfWork
from presentation.api import health, problems, teams, users
from presentation.api.access_log import PROBES, AccessLog
from presentation.api.dependencies import who_calls
from presentation.api.schemas import Problem

# For OpenAPI: what any operation may answer besides its success, and the headers of answers.
PROBLEM = {problems.MEDIA_TYPE: {"schema": Problem.model_json_schema()}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": PROBLEM}
    for status, description in (("4XX", "Refused"), ("5XX", "Failed"), (503, "Not now"))
}
OF_KNOWN_CALLERS = PROBLEMS | {
    status: {"description": description, "content": PROBLEM}
    for status, description in ((401, "Nobody knows who calls"), (403, "Not for this caller"))
}
ALL = {"200", "201", "204", "304", "401", "403", "4XX", "5XX", "503"}
HEADERS = {
    "X-Request-ID": ALL,
    "X-Schema-Version": ALL,
    "ETag": {"200", "201", "304"},
    "Location": {"201"},
    "Retry-After": {"503"},
    "WWW-Authenticate": {"401"},
}


class Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """As the framework sees it, and with the headers of answers."""
        document = super().openapi()
        for path in document["paths"].values():
            for operation in path.values():
                asked = {each["name"] for each in operation.get("parameters", ())}
                answers = operation["responses"]
                if "if-none-match" in asked:
                    answers["304"] = {"description": "As the client knows it"}
                for status, answer in answers.items():
                    has_version = status == "201" or asked & {"if-match", "if-none-match"}
                    answer["headers"] = {
                        header: {"schema": {"type": "string"}}
                        for header, statuses in HEADERS.items()
                        if status in statuses and (has_version or header != "ETag")
                    }
        return document


def create_api(
    *,
    unit_of_work: Callable[[], UnitOfWork],
    reading: Callable[[], UnitOfWork],
    identify: Identify,
    why_not_ready: Callable[[], Awaitable[str | None]],
    schema_version: Callable[[], str | None],
    max_body_bytes: int,
    cors_origins: list[str],
    exports_telemetry: bool,
    **about: Any,
) -> FastAPI:
    """Begins a `unit_of_work` for each request that needs one, `reading` for one that is a GET."""
    api = Api(
        generate_unique_id_function=attrgetter("name"),
        redirect_slashes=False,
        telemetry={
            "auto_configure": exports_telemetry,
            "exclude": lambda scope: scope["path"] in PROBES,
            "logs": False,  # they go to standard output, and name the trace
            "operation_spans": False,
        },
        **about,
    )
    api.state.unit_of_work = unit_of_work
    api.state.reading = reading
    api.state.identify = identify
    api.state.why_not_ready = why_not_ready
    api.add_middleware(AccessLog, max_body_bytes=max_body_bytes, schema_version=schema_version)
    if cors_origins:
        api.add_middleware(
            CORSMiddleware,
            allow_origins=cors_origins,
            allow_methods=problems.METHODS,
            allow_headers=["Authorization", "If-Match", "If-None-Match", "X-Request-ID"],
            expose_headers=list(HEADERS),
        )
    problems.install(api)
    for module in (users, teams):
        api.include_router(
            module.router,
            dependencies=[Depends(who_calls)],
            responses=OF_KNOWN_CALLERS,
            max_body_size=max_body_bytes,
        )
    api.include_router(health.router, responses=PROBLEMS, max_body_size=max_body_bytes)
    return api
