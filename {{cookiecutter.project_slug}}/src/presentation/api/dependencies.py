"""What the endpoints ask for. All are `async`: others would be sent to a thread, at a price."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query, Request

from application.ports import UnitOfWork


async def _unit_of_work(request: Request) -> UnitOfWork:
    begin: Callable[[], UnitOfWork] = request.app.state.unit_of_work
    return begin()


async def _expected_version(
    if_match: Annotated[str, Header(pattern='^"[0-9]{1,9}"$', description="The ETag last seen")],
) -> int:
    return int(if_match.strip('"'))


Uow = Annotated[UnitOfWork, Depends(_unit_of_work)]
ExpectedVersion = Annotated[int, Depends(_expected_version)]
After = Annotated[UUID | None, Query(description="`next_after` of the page before")]
Limit = Annotated[int, Query(ge=1, le=100)]
