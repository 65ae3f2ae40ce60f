"""The stack of s3rius/FastAPI-template: SQLAlchemy, asynchronous, with asyncpg."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import settings
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import DateTime, func, make_url, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# Of the parameters of libpq, asyncpg is given the folder of the socket alone.
url = make_url(settings.DATABASE_URL.replace("postgresql:", "postgresql+asyncpg:", 1))
url = url.difference_update_query(["hostaddr", "sslmode", "port"])
engine = create_async_engine(url, **settings.POOL)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI(dependencies=settings.guards)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=settings.new_id)
    username: Mapped[str]
    email: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


async def get_session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        try:
            yield session
        finally:
            await session.commit()


class Users:
    def __init__(self, session: Annotated[AsyncSession, Depends(get_session)]) -> None:
        self.session = session

    async def page(self, limit: int) -> Sequence[User]:
        query = select(User).where(User.deleted_at.is_(None)).order_by(User.id).limit(limit)
        return (await self.session.scalars(query)).all()

    async def get(self, user_id: UUID) -> User | None:
        return await self.session.get(User, user_id)

    async def add(self, username: str, email: str) -> User:
        user = User(username=username, email=email)
        self.session.add(user)
        await self.session.flush()
        await self.session.refresh(user)
        return user


UsersDep = Annotated[Users, Depends()]


@app.get("/users", response_model=list[settings.User])
async def list_users(users: UsersDep, limit: int = 50) -> Sequence[User]:
    return await users.page(limit)


@app.get("/users/{user_id}", response_model=settings.User)
async def get_user(user_id: UUID, users: UsersDep) -> User:
    user = await users.get(user_id)
    if user is None or user.deleted_at:
        raise HTTPException(404)
    return user


@app.post("/users", status_code=201, response_model=settings.User)
async def register_user(body: settings.NewUser, users: UsersDep) -> User:
    return await users.add(body.username, body.email)
