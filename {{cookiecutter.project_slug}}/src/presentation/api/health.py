"""Probes: restart me when `/healthz` fails; send me no requests while `/readyz` does."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import APIRouter, HTTPException, Request

from presentation.api.problems import RETRY

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """Touches nothing: a database that is down is no reason to restart the service."""
    return {"status": "alive"}


@router.get("/readyz")
async def ready(request: Request) -> dict[str, str]:
    """The database answers, and its schema is at the version that the service needs or past it."""
    why_not_ready: Callable[[], Awaitable[str | None]] = request.app.state.why_not_ready
    if reason := await why_not_ready():
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, reason, RETRY)
    return {"status": "ready"}
