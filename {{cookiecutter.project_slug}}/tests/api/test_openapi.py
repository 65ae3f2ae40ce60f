"""A fuzzer holds the service against its own OpenAPI document."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import settings as effort
from hypothesis import strategies
from modelmigrate.postgres.scratch import scratch_database
from pydantic import SecretStr

from infrastructure.settings import Settings
from main import assemble
from make_token import bearer

NOWHERE = Settings(database_url=SecretStr("postgresql://"))

# Addresses under reserved domains (`x@y.test`) have the format, but are not accepted.
schemathesis.openapi.format("email", strategies.emails(domains=strategies.just("example.com")))

document = schemathesis.openapi.from_asgi("/openapi.json", assemble(NOWHERE))
# A well-formed If-Match may well be stale.
document.config.checks.positive_data_acceptance.expected_statuses += ["412"]
document.config.checks.missing_required_header.expected_statuses += ["428"]


class Fuzzed(NamedTuple):
    service: FastAPI
    ids: dict[str, str]


@pytest.fixture(scope="module")
def fuzzed(migrated_database: str) -> Iterator[Fuzzed]:
    """A service that holds a user and a team, with the names under which requests speak of them."""
    with scratch_database(template=migrated_database) as url:
        service = assemble(Settings(database_url=SecretStr(url)))

        def post(path: str, **body: Any) -> str:
            return str(
                document[path]["POST"]
                .Case(body=body)
                .call(app=service, headers=bearer("ada"))
                .json()["id"]
            )

        user = post("/users", username="ada", email="ada@example.com")
        team = post("/teams", name="Engines", owner_id=user)
        yield Fuzzed(
            service, {"user_id": user, "owner_id": user, "team_id": team, "parent_id": team}
        )


@document.parametrize()
@effort(max_examples=20, derandomize=True, deadline=None)
def test_the_service_does_what_its_openapi_document_says(
    case: schemathesis.Case[Any], fuzzed: Fuzzed
) -> None:
    if case.meta and case.meta.generation.mode.is_positive:
        for part in (case.path_parameters, case.body):
            if isinstance(part, dict):
                part.update({name: fuzzed.ids[name] for name in part.keys() & fuzzed.ids})

    # Who registers must not be a user already.
    is_registration = (case.method, case.path) == ("POST", "/users")
    headers = bearer(str(uuid4()) if is_registration else "ada")
    case.call_and_validate(app=fuzzed.service, headers=headers)


def test_the_document_tells_which_headers_answers_have() -> None:
    reads: set[str] = set()
    for path, operations in document.raw_schema["paths"].items():
        for method, operation in operations.items():
            declared = {
                status: answer["headers"].keys()
                for status, answer in operation["responses"].items()
            }
            assert all({"X-Request-ID", "X-Schema-Version"} <= h for h in declared.values())
            assert "Retry-After" in declared["503"]
            assert ("WWW-Authenticate" in declared.get("401", ())) == ("security" in operation)
            assert method != "post" or {"ETag", "Location"} <= declared["201"]
            if path.endswith("_id}") and "200" in declared:
                assert "ETag" in declared["200"]
                assert method != "get" or "ETag" in declared["304"]
                reads.add(path)
    assert len(reads) >= 3
