from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient, Response

pytestmark = pytest.mark.anyio

ADA = {"username": "ada", "email": "ada@example.com"}


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

    response = await client.post("/users", json=ADA | {"username": "bob"})

    assert problem(response) == (409, "email-taken")


async def test_users_are_listed_in_pages(client: AsyncClient) -> None:
    for name in ("a", "b", "c"):
        await client.post("/users", json={"username": name, "email": f"{name}@example.com"})

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
    blind = await client.patch(url, json={"email": "ada@example.net"})

    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (changed.json()["username"], changed.json()["email"]) == ("ada", "ada@example.org")
    assert problem(stale) == (412, "stale-version")
    assert problem(blind) == (422, "invalid-request")


async def test_a_deleted_user_is_not_found(client: AsyncClient) -> None:
    url = (await client.post("/users", json=ADA)).headers["location"]

    assert (await client.delete(url)).status_code == 204
    assert problem(await client.get(url)) == (404, "not-found")
    assert problem(await client.delete(url)) == (404, "not-found")


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


@pytest.mark.parametrize(
    "tag", ["1", '"x"', '"-1"', 'W/"1"', '"99999999999999999999"', '"\u0661"', "*"]
)
async def test_a_version_that_was_never_issued_is_refused(cut_off: AsyncClient, tag: str) -> None:
    response = await cut_off.patch(
        f"/users/{uuid4()}", json={}, headers={b"If-Match": tag.encode()}
    )

    assert problem(response) == (422, "invalid-request")
