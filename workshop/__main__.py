"""The instructor's commands: `make workshop-plan`, `workshop-build`, `workshop-board`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from modelmigrate.errors import Exit, MigrateError
from typer.exceptions import TyperException

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)
Folder = Annotated[Path, typer.Option("--room", help="Where the room is planned and built.")]
ROOM = Path(__file__).resolve().parent / "room"
BOARD_PORT = 9000


@app.command()
def plan(
    roster: Annotated[Path, typer.Option(help="A CSV file: name, and optionally email and id.")],
    room: Folder = ROOM,
    port: Annotated[int, typer.Option(help="The first participant's port.")] = 8100,
    url: Annotated[str, typer.Option(help="The board, as participants reach it.")] = "",
    server: Annotated[
        str, typer.Option(help="A PostgreSQL for all: postgresql://user:password@host:port")
    ] = "",
    only: Annotated[str, typer.Option(help="The exercises: 1,3,6; or short.")] = "",
) -> str:
    """Turn a roster into a plan, and show it."""
    from workshop.participant.exercise import exercise, exercises
    from workshop.plan import make_plan, own_address, read_room

    numbers = tuple(each.number for each in exercises() if each.short) if only == "short" else ()
    for word in () if only in ("", "short") else only.replace(",", " ").split():
        if not word.isdecimal():
            raise MigrateError(f"only={only}: write numbers, or short. Nothing was written.")
        numbers += (exercise(int(word)).number,)
    url = url or f"http://{own_address()}:{BOARD_PORT}"
    made = make_plan(roster, room, port, url, server, numbers)
    chosen = read_room(room).exercises
    width = max(len(each.id) for each in made)
    return "\n".join(
        [
            *(f"  {each.id:<{width}}  {each.port}  {each.database}  {each.name}" for each in made),
            f"{len(made)} participants, {len(chosen)} exercises,"
            f" {sum(each.minutes for each in chosen)} minutes; the board is {url}",
            f"written: {room}/plan.csv, room.toml. Next: make workshop-build",
        ]
    )


@app.command()
def build(
    room: Folder = ROOM,
    project: Annotated[
        Path | None, typer.Option(help="A baked service, instead of a new bake.")
    ] = None,
    offline: Annotated[str, typer.Option(help="no: leave out what is needed offline.")] = "yes",
) -> str:
    """Build what the plan says: an archive for each participant, the solutions, what is needed offline."""
    from workshop.build import WORK, bake, step
    from workshop.build import build as make
    from workshop.offline import bundle, checksum
    from workshop.plan import read_room

    room = room.resolve()
    read_room(room)  # before what takes long
    if project is None:
        with step("bake"):
            project = bake(room / WORK)
    written = make(room, project.resolve())
    if offline != "no":
        with step("what is needed offline"):
            written.append(bundle(room, project.resolve()))
    sums = [f"{checksum(file)}  {file.relative_to(room).as_posix()}\n" for file in written]
    (room / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    lines = [f"in {room}:", "  archives/   one for each participant; it holds the room's token"]
    lines += [f"  {file.name}   for all of them" for file in written if file.parent == room]
    lines += ["  SHA256SUMS  of these", "  solutions/  for you", "Next: make workshop-board"]
    return "\n".join(lines)


@app.command()
def board(
    room: Folder = ROOM,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "0.0.0.0",  # noqa: S104
    collect: Annotated[
        Path | None, typer.Option(help="A folder of progress.jsonl files, to be read first.")
    ] = None,
) -> None:
    """Show live who is where, and release solutions."""
    from workshop.board.serve import serve

    serve(room.resolve(), host, collect and collect.resolve())


def main() -> int:
    """Run one command; a failure becomes a message and its exit code."""
    try:
        if said := app(prog_name="workshop", standalone_mode=False):
            print(said)
    except (MigrateError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code if isinstance(error, MigrateError) else Exit.ERROR
    except TyperException as error:
        error.show()  # type: ignore[attr-defined]
        return Exit.ERROR
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main())
