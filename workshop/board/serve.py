"""The board as a program: it listens in the room until Ctrl-C."""

from pathlib import Path

import uvicorn
from modelmigrate.errors import MigrateError
from modelmigrate.terminal import say

from workshop.board.app import create_board
from workshop.board.store import collect, open_store
from workshop.plan import is_busy, read_plan, read_room


def serve(folder: Path, host: str, collected: Path | None) -> None:
    """Serve the board of the room that is planned in the folder.

    Raises:
        MigrateError: there is no plan, or somebody else listens at its port.
    """
    room = read_room(folder)
    store = open_store(folder / "board.sqlite", read_plan(folder), room.exercises)
    if collected:
        say(f"read {collect(store, collected)} events from {collected}")
    if is_busy(room.port):
        raise MigrateError(
            f"port {room.port} is in use. Nothing was started. Stop what listens there, or plan"
            f" another one: make workshop-plan url=http://...:{room.port + 1}"
        )
    say(f"For you, and nobody else:  {room.url}/#{room.instructor_token}")
    say(f"For the projector:         {room.url}/#{room.room_token}")
    board = create_board(store, room, folder / "solutions")
    uvicorn.run(
        board,
        host=host,
        port=room.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,  # pages that listen never go by themselves
    )
