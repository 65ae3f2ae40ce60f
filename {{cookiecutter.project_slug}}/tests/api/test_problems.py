import json
from functools import partial
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.typing import EventDict

from infrastructure.persistence.database import create_sessions
from infrastructure.persistence.unit_of_work import SqlUnitOfWork

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}


class Doomed(SqlUnitOfWork):
    """Loses its connection as it commits."""

    async def commit(self) -> None:
        await self._session.flush()
        await self._session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


async def test_no_success_is_reported_when_the_commit_fails(
    service: FastAPI, client: AsyncClient, engine: AsyncEngine, logs: list[EventDict]
) -> None:
    service.state.unit_of_work = partial(Doomed, create_sessions(engine))

    response = await client.post("/users", json={"username": "a", "email": "a@example.com"})

    assert response.status_code == 500
    assert response.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
    }
    assert [log["event"] for log in logs] == ["request failed", "request"]
    assert logs[0]["exc_info"]
    assert (logs[1]["route"], logs[1]["status"]) == ("/users", 500)


def assert_problem(response: Response, *statuses: int) -> None:
    assert response.status_code in statuses
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == response.status_code


@pytest.mark.parametrize("character", ["\0", "\n", "\x1b", "\x7f", "\x85", "\ud800"])
async def test_text_that_cannot_be_stored_is_refused(cut_off: AsyncClient, character: str) -> None:
    text = f"a{character}b"
    user = {"username": "ada", "email": "ada@example.com"}
    for path, body in (
        ("/users", user | {"username": text}),
        ("/users", user | {"email": f"{text}@example.com"}),
        ("/users", user | {text: "ada"}),
        ("/teams", {"name": text, "owner_id": str(uuid4())}),
        ("/teams", {"name": "Engines", "owner_id": text}),
    ):
        assert_problem(await cut_off.post(path, content=json.dumps(body), headers=JSON), 422)


@pytest.mark.parametrize(
    "body", ["", "[", "[" * 9999, "9" * 9999, '"\\ud800"', b'"\xff"', b"\x00"], ids=repr
)
async def test_a_body_that_cannot_be_read_is_refused(
    cut_off: AsyncClient, body: str | bytes
) -> None:
    assert_problem(await cut_off.post("/users", content=body, headers=JSON), 400, 422)


@pytest.mark.parametrize(
    "path",
    [
        "/users/1",
        "/users/%00",
        "/users/%ED%A0%80",
        "/users?after=%00",
        "/users?limit=%00",
        "/users?limit=101",
        f"/users?limit={'9' * 9999}",
    ],
)
async def test_an_address_that_makes_no_sense_is_refused(cut_off: AsyncClient, path: str) -> None:
    assert_problem(await cut_off.get(path), 422)


async def test_errors_of_the_framework_are_problems_too(cut_off: AsyncClient) -> None:
    missing, unsupported = await cut_off.get("/nowhere"), await cut_off.put("/users", json={})

    assert_problem(missing, 404)
    assert_problem(unsupported, 405)


async def test_a_request_keeps_its_id_and_is_logged_by_route(
    client: AsyncClient, logs: list[EventDict]
) -> None:
    user = f"/users/{uuid4()}"

    named = await client.get(user, headers={"X-Request-ID": "abc-1"})
    unnamed = await client.get(user, headers={"X-Request-ID": "not an id"})

    assert named.headers["x-request-id"] == "abc-1"
    assert len(unnamed.headers["x-request-id"]) == 36
    assert [(log["route"], log["status"]) for log in logs] == [("/users/{user_id}", 404)] * 2
