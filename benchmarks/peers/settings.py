"""What the peers share: the same bodies, the same table, the same tokens."""

import os
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, EmailStr

DATABASE_URL = os.environ["DATABASE_URL"]
KEY = os.environ["DEVELOPMENT_KEY"]
POOL = {"pool_size": 5, "max_overflow": 5}  # as the service has it

new_id = uuid4


class NewUser(BaseModel):
    username: str
    email: EmailStr


class User(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    username: str
    email: str
    created_at: datetime
    updated_at: datetime


async def who_calls(
    sent: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
) -> str:
    try:
        subject: str = jwt.decode(sent.credentials, KEY, ["HS256"])["sub"]
    except jwt.PyJWTError:
        raise HTTPException(401) from None
    return subject


guards = [Depends(who_calls)] if os.environ["TOKENS"] == "yes" else []
