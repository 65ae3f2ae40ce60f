"""The stack of fastapi/full-stack-fastapi-template: SQLModel, synchronous, with psycopg."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import settings
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import Column, DateTime, func
from sqlmodel import Field, Session, SQLModel, create_engine, select

url = settings.DATABASE_URL.replace("postgresql:", "postgresql+psycopg:", 1)
engine = create_engine(url, **settings.POOL)
app = FastAPI(dependencies=settings.guards)


class User(SQLModel, table=True):
    __tablename__ = "users"

    id: UUID = Field(default_factory=settings.new_id, primary_key=True)
    username: str
    email: str
    created_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=func.now())
    )
    updated_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=func.now())
    )
    deleted_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


@app.get("/users", response_model=list[settings.User])
def list_users(session: SessionDep, limit: int = 50) -> Sequence[User]:
    query = select(User).where(User.deleted_at == None).order_by(User.id).limit(limit)  # noqa: E711
    return session.exec(query).all()


@app.get("/users/{user_id}", response_model=settings.User)
def get_user(user_id: UUID, session: SessionDep) -> User:
    user = session.get(User, user_id)
    if user is None or user.deleted_at:
        raise HTTPException(404)
    return user


@app.post("/users", status_code=201, response_model=settings.User)
def register_user(body: settings.NewUser, session: SessionDep) -> User:
    user = User(username=body.username, email=body.email)
    session.add(user)
    session.commit()
    session.refresh(user)
    return user
