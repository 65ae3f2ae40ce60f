"""What the endpoints ask for. All are `async`: others would be sent to a thread, at a price."""

import re
from collections.abc import Callable, Container
from http import HTTPStatus
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Header, HTTPException, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from application.ports import Caller, Identify, Unauthenticated, UnitOfWork
from domain.models.base import ANY_VERSION, BaseEntity

E = TypeVar("E", bound=BaseEntity)

# Entity tags as of RFC 9110, 8.8.3; ours are versions.
TAG = r'(?:W/)?"[!#-~]*"'
TAGS = rf"^(?:\*|{TAG}(?:\s*,\s*{TAG})*)$"

BEARER = HTTPBearer(
    scheme_name="bearer", bearerFormat="JWT", description="An access token", auto_error=False
)


def _versions(header: str, prefix: str = "") -> Container[int]:
    if header == "*":
        return ANY_VERSION
    version = re.compile(prefix + r'"([1-9][0-9]{0,9})"')
    tags = map(version.fullmatch, re.split(r"\s*,\s*", header))
    return {int(tag[1]) for tag in tags if tag}


async def who_calls(
    request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
) -> Caller:
    """All routes but those of health depend on it, see `app`."""
    if sent is None:
        raise Unauthenticated
    identify: Identify = request.app.state.identify
    return await identify(sent.credentials)


async def _unit_of_work(request: Request) -> UnitOfWork:
    state = request.app.state
    begin: Callable[[], UnitOfWork] = (
        state.reading if request.method == "GET" else state.unit_of_work
    )
    return begin()


async def _expected(
    if_match: Annotated[str, Header(pattern=TAGS, description="The ETag last seen, or `*`")],
) -> Container[int]:
    return _versions(if_match)  # a weak tag matches nothing here


async def _known(
    if_none_match: Annotated[str | None, Header(description="ETags of what you have")] = None,
) -> Container[int]:
    return _versions(if_none_match or "", prefix="(?:W/)?")


def tagged(entity: E, response: Response, known: Container[int] = ()) -> E:
    """The answer gets the ETag of the entity; it is 304 if the client knows this version."""
    headers = {"ETag": f'"{entity.version}"'}
    if entity.version in known:
        raise HTTPException(HTTPStatus.NOT_MODIFIED, headers=headers)
    response.headers.update(headers)
    return entity


Who = Annotated[Caller, Depends(who_calls)]
Uow = Annotated[UnitOfWork, Depends(_unit_of_work)]
Expected = Annotated[Container[int], Depends(_expected)]
Known = Annotated[Container[int], Depends(_known)]
After = Annotated[UUID | None, Query(description="`next_after` of the page before")]
Limit = Annotated[int, Query(ge=1, le=100)]
