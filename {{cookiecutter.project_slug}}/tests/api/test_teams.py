from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from make_token import bearer

pytestmark = pytest.mark.anyio

ANY = {"If-Match": "*"}


@pytest.fixture
async def ada(client: AsyncClient) -> str:
    return await register(client, "ada")


@pytest.fixture
async def bob(client: AsyncClient) -> str:
    return await register(client, "bob")


async def register(client: AsyncClient, name: str) -> str:
    body = {"username": name, "email": f"{name}@example.com"}
    return str((await client.post("/users", json=body, headers=bearer(name))).json()["id"])


async def found(client: AsyncClient, owner: str, parent: str | None = None) -> str:
    body = {"name": "Engines", "owner_id": owner, "parent_id": parent}
    return (await client.post("/teams", json=body)).headers["location"]


async def test_a_team_can_be_part_of_another(client: AsyncClient, ada: str) -> None:
    parent = (await client.get(await found(client, ada))).json()
    child = (await client.get(await found(client, ada, parent["id"]))).json()

    assert child["parent_id"] == parent["id"]
    assert child["memberships"] == [{"user_id": ada, "role": "owner"}]
    assert (await client.get("/teams")).json() == {
        "items": [
            {key: team[key] for key in ("id", "name", "parent_id")} for team in (parent, child)
        ],
        "next_after": None,
    }


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("steam", ["Steam Engines"]),
        ("engines", ["Steam Engines", "Engines"]),
        ("enginse", ["Engines"]),
        ("%", []),
        ("boats", []),
    ],
)
async def test_teams_are_found_by_words_and_by_likeness(
    client: AsyncClient, ada: str, search: str, found: list[str]
) -> None:
    for name in ("Steam Engines", "Engines", "Looms"):
        await client.post("/teams", json={"name": name, "owner_id": ada})

    answer = (await client.get("/teams", params={"search": search})).json()

    assert [team["name"] for team in answer["items"]] == found


async def test_a_search_has_pages(client: AsyncClient, ada: str) -> None:
    made = [(await client.get(await found(client, ada))).json()["id"] for _ in range(3)]
    query = {"search": "engines", "limit": "2"}

    first = (await client.get("/teams", params=query)).json()
    rest = (await client.get("/teams", params=query | {"after": first["next_after"]})).json()

    assert [team["id"] for page in (first, rest) for team in page["items"]] == made
    assert rest["next_after"] is None


async def test_a_team_without_an_existing_owner_is_not_made(client: AsyncClient) -> None:
    body = {"name": "Engines", "owner_id": str(uuid4())}

    response = await client.post("/teams", json=body)

    assert response.status_code == 404
    assert response.json()["detail"] == f"User {body['owner_id']} does not exist."
    assert (await client.get("/teams")).json()["items"] == []


async def test_members_come_change_and_go(client: AsyncClient, ada: str, bob: str) -> None:
    team = await found(client, ada)
    seat = f"{team}/members/{bob}"

    roles = []
    for role in ("member", "owner"):
        response = await client.put(seat, json={"role": role}, headers=ANY)
        roles.append({each["user_id"]: each["role"] for each in response.json()["memberships"]})

    assert roles == [{ada: "owner", bob: "member"}, {ada: "owner", bob: "owner"}]
    assert [(await client.delete(seat, headers=ANY)).status_code for _ in range(2)] == [204, 204]
    assert (await client.get(team)).json()["memberships"] == [{"user_id": ada, "role": "owner"}]


async def test_the_last_owner_stays(client: AsyncClient, ada: str, bob: str) -> None:
    team = await found(client, ada)
    await client.put(f"{team}/members/{bob}", json={"role": "member"}, headers=ANY)

    refusals = [
        await client.delete(f"{team}/members/{ada}", headers=ANY),
        await client.put(f"{team}/members/{ada}", json={"role": "member"}, headers=ANY),
        await client.delete(f"/users/{ada}", headers=ANY),
    ]

    assert {(each.status_code, each.json()["type"]) for each in refusals} == {
        (409, "urn:problem:last-owner")
    }
    assert (await client.get(f"/users/{ada}")).status_code == 200


async def test_a_team_with_other_members_is_another_version(
    client: AsyncClient, ada: str, bob: str
) -> None:
    team = await found(client, ada)
    seat = f"{team}/members/{bob}"

    async def etag() -> str:
        return (await client.get(team)).headers["etag"]

    seen = [await etag()]
    for role in ("member", "member", "owner"):
        seen.append((await client.put(seat, json={"role": role}, headers=ANY)).headers["etag"])
        assert await etag() == seen[-1]
    await client.delete(seat, headers=ANY)
    seen.append(await etag())
    await client.put(seat, json={"role": "member"}, headers=ANY)
    await client.delete(f"/users/{bob}", headers=ANY | bearer("bob"))
    seen.append(await etag())

    assert seen == [f'"{version}"' for version in (1, 2, 3, 4, 5, 7)]


async def test_members_are_changed_by_those_who_have_seen_the_last_version(
    client: AsyncClient, ada: str, bob: str
) -> None:
    team = await found(client, ada)
    seat, seen = f"{team}/members/{bob}", {"If-Match": '"1"'}

    assert (await client.put(seat, json={"role": "member"}, headers=seen)).status_code == 200
    for stale in (
        await client.put(seat, json={"role": "owner"}, headers=seen),
        await client.delete(seat, headers=seen),
    ):
        assert (stale.status_code, stale.json()["type"]) == (412, "urn:problem:stale-version")
