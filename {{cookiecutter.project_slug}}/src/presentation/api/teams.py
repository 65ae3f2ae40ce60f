"""`/teams` and their members."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from application import teams
from application.ports import Page
from domain.models import Role, Team
from presentation.api.dependencies import After, Expected, Known, Limit, Uow, Who, tagged
from presentation.api.schemas import Body, Line, PageView, View

Search = Annotated[Line | None, Query(description="Words of the name, or something near it")]

router = APIRouter(prefix="/teams", tags=["teams"])


class TeamFoundation(Body):
    name: Line
    owner_id: UUID
    parent_id: UUID | None = None


class Assignment(Body):
    role: Role


class MembershipView(View):
    user_id: UUID
    role: Role


class TeamView(View):
    id: UUID
    name: str
    parent_id: UUID | None


class TeamWithMembersView(TeamView):
    memberships: list[MembershipView]


@router.post("", status_code=HTTPStatus.CREATED, response_model=TeamWithMembersView)
async def create_team(body: TeamFoundation, uow: Uow, request: Request, response: Response) -> Team:
    team = await teams.create(uow, **body.model_dump())
    response.headers["Location"] = request.url_for("get_team", team_id=team.id).path
    return tagged(team, response)


@router.get("", response_model=PageView[TeamView])
async def list_teams(
    uow: Uow, search: Search = None, after: After = None, limit: Limit = 50
) -> Page[Team]:
    """All teams, or those whose name has all words of `search`, or is spelled nearly like it."""
    return await teams.page(uow, after, limit, search)


@router.get("/{team_id}", response_model=TeamWithMembersView)
async def get_team(team_id: UUID, known: Known, uow: Uow, response: Response) -> Team:
    return tagged(await teams.get(uow, team_id), response, known)


@router.put("/{team_id}/members/{user_id}", response_model=TeamWithMembersView)
async def assign_member(
    team_id: UUID,
    seen: Expected,
    user_id: UUID,
    body: Assignment,
    who: Who,
    uow: Uow,
    response: Response,
) -> Team:
    """Gives the user a role, as a new member or in place of another; If-Match is of the team."""
    return tagged(await teams.assign(uow, who, team_id, seen, user_id, body.role), response)


@router.delete("/{team_id}/members/{user_id}", status_code=HTTPStatus.NO_CONTENT)
async def remove_member(team_id: UUID, seen: Expected, user_id: UUID, who: Who, uow: Uow) -> None:
    """Afterwards the user is no member, whether they were one or not; If-Match is of the team."""
    await teams.remove(uow, who, team_id, seen, user_id)
