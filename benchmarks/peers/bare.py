"""The floor: a handler with psycopg, and nothing in between."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from fastapi import FastAPI, HTTPException
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool
from settings import DATABASE_URL, NewUser, User, guards, new_id

FIELDS = "id, username, email, created_at, updated_at"
pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
    DATABASE_URL,
    min_size=5,
    max_size=10,
    open=False,
    kwargs={"row_factory": dict_row, "autocommit": True},
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with pool:
        yield


app = FastAPI(lifespan=lifespan, dependencies=guards)


@app.get("/users", response_model=list[User])
async def list_users(limit: int = 50) -> list[dict[str, Any]]:
    query = f"SELECT {FIELDS} FROM users WHERE deleted_at IS NULL ORDER BY id LIMIT %s"
    async with pool.connection() as connection:
        return await (await connection.execute(query, (limit,))).fetchall()


@app.get("/users/{user_id}", response_model=User)
async def get_user(user_id: UUID) -> dict[str, Any]:
    query = f"SELECT {FIELDS} FROM users WHERE id = %s AND deleted_at IS NULL"
    async with pool.connection() as connection:
        user = await (await connection.execute(query, (user_id,))).fetchone()
    if user is None:
        raise HTTPException(404)
    return user


@app.post("/users", status_code=201, response_model=User)
async def register_user(body: NewUser) -> dict[str, Any] | None:
    query = f"INSERT INTO users (id, username, email) VALUES (%s, %s, %s) RETURNING {FIELDS}"
    values = (new_id(), body.username, body.email)
    async with pool.connection() as connection:
        return await (await connection.execute(query, values)).fetchone()
