"""The board's HTTP face. Participants report with the room's token; the instructor watches and releases."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.sse import EventSourceResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field

from workshop.board.store import Event, Store
from workshop.participant.progress import MOST
from workshop.plan import Room

PAGE = Path(__file__).resolve().parent / "page"
MAX_BODY_BYTES = 256 << 10
REFRESH = 15  # seconds after which the page is told again: minutes go by
GATHER = 0.2  # seconds in which many reports become one picture
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Sent(BaseModel):
    """An event, as a participant sends it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    exercise: int = Field(ge=0, le=9999)
    kind: Literal["started", "failed", "passed", "hint", "solution"]
    at: float
    said: str = Field(default="", max_length=500)


class Report(BaseModel):
    """All that a participant has done so far."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    participant: str = Field(max_length=63)
    now: float
    events: list[Sent] = Field(max_length=MOST)


class Token(BaseModel):
    """What is typed to see the board."""

    model_config = ConfigDict(extra="forbid")
    token: str = Field(max_length=200)


def create_board(store: Store, room: Room, solutions: Path) -> FastAPI:
    """The application. All of it runs in one thread: what is asked of SQLite takes a moment."""
    board = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, max_body_size=MAX_BODY_BYTES)
    changes = Changes()
    known = {each.id for each in store.participants}
    numbers = {each.number for each in store.exercises}

    async def of_the_room(authorization: Annotated[str, Header()] = "") -> None:
        if not is_same(authorization, f"Bearer {room.room_token}"):
            raise HTTPException(401, "The token is not this room's.")

    async def watching(board: Annotated[str, Cookie()] = "") -> bool:
        """Whether it is the instructor who watches."""
        if is_same(board, room.instructor_token):
            return True
        if is_same(board, room.room_token):
            return False
        raise HTTPException(401, "Type the token of the room.")

    @board.middleware("http")
    async def protect(request: Request, call_next: Callable[[Request], Any]) -> Response:
        response: Response = await call_next(request)
        response.headers.update(HEADERS)
        return response

    @board.exception_handler(RequestValidationError)
    async def refuse(_: Request, error: RequestValidationError) -> JSONResponse:
        # Without what was sent, which the framework would repeat, and may not be able to.
        where = ascii(".".join(str(part) for part in error.errors()[0]["loc"]))
        return JSONResponse({"detail": f"It is not understood, at {where}."}, 422)

    @board.post("/progress", status_code=204, dependencies=[Depends(of_the_room)])
    async def report(sent: Report) -> None:
        if sent.participant not in known:
            raise HTTPException(404, "The plan knows no such participant.")
        now = time.time()
        events = [
            Event(e.exercise, e.kind, e.at, min(now, now + e.at - sent.now), e.said)
            for e in sent.events
            if e.exercise in numbers
        ]
        store.add(sent.participant, events)
        changes.happen()

    @board.get("/solutions/{number}", dependencies=[Depends(of_the_room)])
    async def solution(number: int) -> FileResponse:
        if number not in numbers:
            raise HTTPException(404, "There is no such exercise.")
        if number not in store.released():
            raise HTTPException(403, "It is not released yet.")
        file = solutions / f"solution-{number}.bundle"
        if not file.exists():
            raise HTTPException(404, "It was not built: make workshop-build")
        return FileResponse(file)

    @board.post("/enter", status_code=204)
    async def enter(given: Token, response: Response) -> None:
        await watching(given.token)
        response.set_cookie("board", given.token, httponly=True, samesite="strict")

    @board.post("/release/{number}", status_code=204)
    async def release(number: int, instructor: Annotated[bool, Depends(watching)]) -> None:
        if not instructor:
            raise HTTPException(403, "Solutions are released by the instructor.")
        if number not in numbers:
            raise HTTPException(404, "There is no such exercise.")
        store.release(number)
        changes.happen()

    @board.get("/events", response_class=EventSourceResponse)
    async def events(
        instructor: Annotated[bool, Depends(watching)],
    ) -> AsyncIterator[dict[str, Any]]:
        while True:
            change = changes.next
            yield {"instructor": instructor} | store.snapshot(time.time())
            with suppress(TimeoutError):
                async with asyncio.timeout(REFRESH):
                    await change.wait()
            await asyncio.sleep(GATHER)

    board.mount("/", StaticFiles(directory=PAGE, html=True))
    return board


class Changes:
    """Wakes all who wait for the next one."""

    def __init__(self) -> None:
        self.next = asyncio.Event()

    def happen(self) -> None:
        """Tell that something has changed."""
        happened, self.next = self.next, asyncio.Event()
        happened.set()


def is_same(given: str, secret: str) -> bool:
    """Whether they are the same, in a time that tells nothing."""
    return secrets.compare_digest(given.encode("utf-8", "replace"), secret.encode())
