"""`/users`."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import EmailStr, StringConstraints

from application import users
from application.ports import Page
from domain.models import User
from presentation.api.dependencies import After, Expected, Known, Limit, Uow, Who, tagged
from presentation.api.schemas import OMITTED, Body, PageView, View

router = APIRouter(prefix="/users", tags=["users"])

Username = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)]


class UserRegistration(Body):
    username: Username
    email: EmailStr


class UserChanges(Body):
    username: Username = OMITTED
    email: EmailStr = OMITTED


class UserView(View):
    id: UUID
    username: str
    email: str
    created_at: datetime
    updated_at: datetime


@router.post("", status_code=HTTPStatus.CREATED, response_model=UserView)
async def register_user(
    body: UserRegistration, who: Who, uow: Uow, request: Request, response: Response
) -> User:
    """Makes a user of the caller."""
    user = await users.register(uow, who, **body.model_dump())
    response.headers["Location"] = request.url_for("get_user", user_id=user.id).path
    return tagged(user, response)


@router.get("", response_model=PageView[UserView])
async def list_users(uow: Uow, after: After = None, limit: Limit = 50) -> Page[User]:
    return await users.page(uow, after, limit)


@router.get("/{user_id}", response_model=UserView)
async def get_user(user_id: UUID, known: Known, uow: Uow, response: Response) -> User:
    return tagged(await users.get(uow, user_id), response, known)


@router.patch("/{user_id}", response_model=UserView)
async def change_user(
    user_id: UUID, seen: Expected, body: UserChanges, who: Who, uow: Uow, response: Response
) -> User:
    """Changes the fields that are given, if the user is as it was when the ETag was issued."""
    changes = body.model_dump(exclude_unset=True)
    return tagged(await users.change(uow, who, user_id, seen, **changes), response)


@router.delete("/{user_id}", status_code=HTTPStatus.NO_CONTENT)
async def delete_user(user_id: UUID, seen: Expected, who: Who, uow: Uow) -> None:
    """Deletes the user, who leaves all teams, unless one of them would be without an owner."""
    await users.delete(uow, who, user_id, seen)
