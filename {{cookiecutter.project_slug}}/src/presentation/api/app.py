"""The HTTP face of the use cases."""

from collections.abc import Awaitable, Callable
from operator import attrgetter

from fastapi import FastAPI
from starlette.types import Lifespan

from application.ports import UnitOfWork
from presentation.api import health, problems, teams, users
from presentation.api.access_log import AccessLog


def create_api(
    title: str,
    *,
    unit_of_work: Callable[[], UnitOfWork],
    why_not_ready: Callable[[], Awaitable[str | None]],
    lifespan: Lifespan[FastAPI],
) -> FastAPI:
    """An application that begins a `unit_of_work` for each request that needs one."""
    api = FastAPI(title=title, lifespan=lifespan, generate_unique_id_function=attrgetter("name"))
    api.state.unit_of_work = unit_of_work
    api.state.why_not_ready = why_not_ready
    api.add_middleware(AccessLog)
    problems.install(api)
    for module in (users, teams, health):
        api.include_router(module.router, responses=problems.RESPONSES)
    return api
