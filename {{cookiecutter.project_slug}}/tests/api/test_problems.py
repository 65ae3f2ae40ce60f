import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI, HTTPException
from httpx2 import ASGITransport, AsyncClient, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.typing import EventDict

from infrastructure.persistence.database import create_sessions
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from infrastructure.settings import Settings
from main import assemble
from make_token import bearer

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

    assert_problem(response, 503)
    assert response.headers["retry-after"] == "1"
    assert [log["event"] for log in logs] == ["database is not available", "request"]
    assert "exc_info" not in logs[0]
    assert (logs[1]["route"], logs[1]["status"]) == ("/users", 503)
    assert (await client.get("/users")).json()["items"] == []


async def test_what_nobody_foresaw_is_a_problem_and_has_its_traceback_in_the_log(
    service: FastAPI, client: AsyncClient, logs: list[EventDict]
) -> None:
    service.state.reading = lambda: 1 / 0

    response = await client.get("/users")

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


@pytest.mark.parametrize("path", ["/nowhere", "/users/", "/"])
async def test_an_address_without_anything_is_a_problem_and_logged(
    cut_off: AsyncClient, logs: list[EventDict], path: str
) -> None:
    assert_problem(await cut_off.get(path), 404)
    assert [(log["path"], log["status"]) for log in logs] == [(path, 404)]


async def test_an_address_of_any_length_does_not_fill_the_log(
    cut_off: AsyncClient, logs: list[EventDict]
) -> None:
    await cut_off.get("/%0a" + "x" * 9999)

    assert logs[0]["path"] == "/%0A" + "x" * 196


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/users", "GET, POST, HEAD, OPTIONS"),
        ("/users/1", "GET, PATCH, DELETE, HEAD, OPTIONS"),
        ("/teams/1/members/1", "PUT, DELETE, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
    ],
)
async def test_the_methods_of_an_address_can_be_asked_for(
    cut_off: AsyncClient, path: str, methods: str
) -> None:
    options = await cut_off.options(path)
    unsupported = await cut_off.request("TRACE", path)

    assert (options.status_code, options.content) == (204, b"")
    assert_problem(unsupported, 405)
    assert options.headers["allow"] == unsupported.headers["allow"] == methods


async def test_where_there_is_get_there_is_head(client: AsyncClient) -> None:
    user = await client.post("/users", json={"username": "a", "email": "a@example.com"})
    for path in ("/healthz", "/readyz", "/users", user.headers["location"], "/openapi.json"):
        get, head = await client.get(path), await client.head(path)
        volatile = {"x-request-id"}
        assert head.status_code == get.status_code == 200
        assert {*head.headers.items()} - volatile >= {
            item for item in get.headers.items() if item[0] not in volatile
        }


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ((400, {"code": "x"}), {"title": "Bad Request", "code": "x"}),
        ((400, {"title": "Mine", "status": 1, 2: 3}), {"title": "Mine", "2": 3}),
        ((400, [1, UUID(int=0)]), {"detail": f'[1, "{UUID(int=0)}"]'}),
        ((499, "Gone"), {"title": "Error", "detail": "Gone"}),
        ((418, None), {"title": "I'm a Teapot", "detail": "I'm a Teapot"}),
    ],
)
async def test_whatever_an_endpoint_raises_is_a_problem(
    service: FastAPI, client: AsyncClient, error: tuple[int, Any], expected: dict[str, str]
) -> None:
    @service.get("/raising")
    async def raising() -> None:
        raise HTTPException(*error)

    response = await client.get("/raising")

    assert_problem(response, error[0])
    assert response.json().items() >= expected.items()


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_body_has_none(
    service: FastAPI, client: AsyncClient, status: int
) -> None:
    @service.get("/raising")
    async def raising() -> None:
        raise HTTPException(status, headers={"ETag": '"1"'})

    response = await client.get("/raising")

    assert (response.status_code, response.content) == (status, b"")
    assert response.headers["etag"] == '"1"'


async def test_a_report_of_faults_does_not_grow_with_what_was_sent(cut_off: AsyncClient) -> None:
    body = {f"{number}{'x' * 5000}": "y" * 999 for number in range(100)}

    response = await cut_off.post("/users", json=body)

    assert_problem(response, 422)
    assert response.json()["detail"] == "The first 20 of 102 faults"
    assert len(response.content) < 10_000


async def megabytes(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 1024 * 1024
        taken.append(1)


taken: list[int] = []


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_beyond_the_limit_is_refused_before_it_is_read(
    cut_off: AsyncClient, announced: bool
) -> None:
    taken.clear()
    headers = JSON | ({"Content-Length": str(200 * 1024 * 1024)} if announced else {})

    response = await cut_off.post("/users", content=megabytes(200), headers=headers)

    assert_problem(response, 413)
    assert len(taken) <= (0 if announced else 2)


async def test_a_body_may_reach_the_limit(settings: Settings) -> None:
    body = json.dumps({"username": "ada", "email": "ada@example.com"})
    service = assemble(settings.model_copy(update={"max_body_bytes": len(body)}))
    async with (
        service.router.lifespan_context(service),
        AsyncClient(
            transport=ASGITransport(service), base_url="http://test", headers=bearer("ada")
        ) as client,
    ):
        assert (await client.post("/users", content=body, headers=JSON)).status_code == 201
        assert_problem(await client.post("/users", content=body + " ", headers=JSON), 413)


async def test_a_request_keeps_its_id_and_is_logged_by_route(
    client: AsyncClient, logs: list[EventDict]
) -> None:
    user = f"/users/{uuid4()}"

    named = await client.get(user, headers={"X-Request-ID": "abc-1"})
    unnamed = await client.get(user, headers={"X-Request-ID": "not an id"})

    assert named.headers["x-request-id"] == "abc-1"
    assert len(unnamed.headers["x-request-id"]) == 36
    assert [(log["route"], log["status"]) for log in logs] == [("/users/{user_id}", 404)] * 2
