from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from make_token import bearer

pytestmark = pytest.mark.anyio

ADA = {"username": "ada", "email": "ada@example.com"}
ANY = {"If-Match": "*"}


def problem(response: Response) -> tuple[int, str]:
    """The status and the kind of a problem, of which all errors are one."""
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == response.status_code
    return response.status_code, response.json()["type"].removeprefix("urn:problem:")


async def test_a_registered_user_can_be_read_where_location_says(client: AsyncClient) -> None:
    made = await client.post("/users", json=ADA)
    read = await client.get(made.headers["location"])

    assert (made.status_code, read.status_code) == (201, 200)
    assert made.json() == read.json()
    assert made.headers["etag"] == read.headers["etag"] == '"1"'
    assert {key: read.json()[key] for key in ADA} == ADA


async def test_a_taken_address_is_a_conflict(client: AsyncClient) -> None:
    await client.post("/users", json=ADA)

    response = await client.post("/users", json=ADA | {"username": "bob"}, headers=bearer("bob"))

    assert problem(response) == (409, "email-taken")


async def test_users_are_listed_in_pages(client: AsyncClient) -> None:
    for name in ("a", "b", "c"):
        body = {"username": name, "email": f"{name}@example.com"}
        await client.post("/users", json=body, headers=bearer(name))

    first = (await client.get("/users", params={"limit": 2})).json()
    rest = (await client.get("/users", params={"limit": 2, "after": first["next_after"]})).json()

    assert [len(first["items"]), len(rest["items"])] == [2, 1]
    assert {user["username"] for user in first["items"] + rest["items"]} == {"a", "b", "c"}
    assert rest["next_after"] is None


async def test_a_change_needs_the_version_that_was_read(client: AsyncClient) -> None:
    made = await client.post("/users", json=ADA)
    url, seen = made.headers["location"], {"If-Match": made.headers["etag"]}

    changed = await client.patch(url, json={"email": "ada@example.org"}, headers=seen)
    stale = await client.patch(url, json={"email": "ada@example.net"}, headers=seen)

    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (changed.json()["username"], changed.json()["email"]) == ("ada", "ada@example.org")
    assert problem(stale) == (412, "stale-version")


async def test_a_deleted_user_is_not_found(client: AsyncClient) -> None:
    url = (await client.post("/users", json=ADA)).headers["location"]

    assert (await client.delete(url, headers=ANY)).status_code == 204
    assert problem(await client.get(url)) == (404, "not-found")
    assert problem(await client.delete(url, headers=ANY)) == (404, "not-found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "ada"},
        ADA | {"email": "nobody"},
        ADA | {"email": None},
        ADA | {"username": "Ada Lovelace"},
        ADA | {"username": "a" * 101},
        ADA | {"role": "admin"},
    ],
)
async def test_a_body_that_is_not_as_documented_is_refused(
    cut_off: AsyncClient, body: dict[str, Any]
) -> None:
    assert problem(await cut_off.post("/users", json=body)) == (422, "invalid-request")


async def test_null_is_no_way_to_leave_a_field_unchanged(client: AsyncClient) -> None:
    made = await client.post("/users", json=ADA)
    seen = {"If-Match": made.headers["etag"]}

    response = await client.patch(made.headers["location"], json={"email": None}, headers=seen)

    assert problem(response) == (422, "invalid-request")


@pytest.mark.parametrize("tag", ["1", "", "**", '"1', '"1" "2"', '"a"b"', '*, "1"'])
async def test_an_if_match_that_is_none_is_refused(cut_off: AsyncClient, tag: str) -> None:
    response = await cut_off.patch(f"/users/{uuid4()}", json={}, headers={"If-Match": tag})

    assert problem(response) == (422, "invalid-request")


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ("*", 204),
        ('"1"', 204),
        ('"0" , "1","x"', 204),
        ('"2"', 412),
        ('W/"1"', 412),
        ('"x"', 412),
        ('"-1"', 412),
        ('"01"', 412),
        ('"99999999999999999999"', 412),
    ],
)
async def test_if_match_is_compared_as_the_rfc_says(
    client: AsyncClient, tags: str, status: int
) -> None:
    url = (await client.post("/users", json=ADA)).headers["location"]

    assert (await client.delete(url, headers={"If-Match": tags})).status_code == status


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ("*", 304),
        ('"1"', 304),
        ('W/"1"', 304),
        ('"0", W/"1"', 304),
        ('"2"', 200),
        ("nonsense", 200),
    ],
)
async def test_what_the_client_knows_is_not_sent_again(
    client: AsyncClient, tags: str, status: int
) -> None:
    url = (await client.post("/users", json=ADA)).headers["location"]

    response = await client.get(url, headers={"If-None-Match": tags})

    assert (response.status_code, response.headers["etag"]) == (status, '"1"')
    assert bool(response.content) == (status == 200)


async def test_no_change_and_no_deletion_goes_without_the_version_that_was_read(
    service: FastAPI, client: AsyncClient
) -> None:
    somebody, bodies = str(uuid4()), {"patch": {}, "put": {"role": "owner"}, "delete": None}
    tried = set()
    for path, operations in service.openapi()["paths"].items():
        for method in operations.keys() & bodies.keys():
            url = path.format(user_id=somebody, team_id=somebody)
            response = await client.request(method, url, json=bodies[method])
            tried.add((method, path, *problem(response)))

    assert {each[2:] for each in tried} == {(428, "if-match-missing")}
    assert len(tried) >= 4
