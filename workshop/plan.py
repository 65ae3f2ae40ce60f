"""The plan of a room: who takes part, under which id, and with which port and database."""

import csv
import json
import re
import secrets
import socket
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from modelmigrate.errors import Exit, MigrateError
from slugify import slugify

from workshop.participant.exercise import Exercise, exercises

PLAN, ROOM = "plan.csv", "room.toml"
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_ID = 40  # so that PostgreSQL, with its 63 bytes, takes the name of the database
LONGEST_NAME = 80
EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
SERVER = re.compile(r"postgresql://[^/?#\s\"\\]*(/\?[^#\s\"\\]+)?")
CODE = re.compile(r"\{[{%#]|^[=+\-@]")
# Joiners are parts of emoji and of Persian words; what else has no shape may turn a line around.
JOINERS = "\u200c\u200d"
SHAPELESS = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


@dataclass(frozen=True)
class Participant:
    """A line of the plan."""

    id: str
    name: str
    email: str
    port: int
    database: str


@dataclass(frozen=True)
class Room:
    """What all participants share; the tokens are secrets."""

    url: str
    """Of the board, as participants reach it."""
    room_token: str
    """With it, checks are reported."""
    instructor_token: str
    """With it, the board is watched, and solutions are released."""
    server: str = ""
    """A PostgreSQL for all of them, without a database; none where each runs one of their own."""
    only: tuple[int, ...] = ()
    """The exercises that are done; all where there is no number."""

    def database_url(self, name: str) -> str:
        """The URL of a database on the server for all."""
        address, slash, parameters = self.server.partition("/?")
        return f"{address}/{name}{slash and '?'}{parameters}"

    @property
    def exercises(self) -> list[Exercise]:
        """Those that are done, in their order."""
        return [each for each in exercises() if not self.only or each.number in self.only]

    @property
    def port(self) -> int:
        """Where the board listens."""
        parts = urlsplit(self.url)
        return parts.port or {"http": 80, "https": 443}[parts.scheme]


def make_plan(
    roster: Path, folder: Path, first_port: int, url: str, server: str, only: tuple[int, ...]
) -> list[Participant]:
    """Read the roster, and write plan and room into the folder; tokens that are there already stay.

    Raises:
        MigrateError: the roster cannot be used as it is (exit code 3); every problem, with its line.
    """
    participants, problems = read_roster(roster, first_port)
    file = folder / ROOM
    tokens = (
        (read_room(folder).room_token, read_room(folder).instructor_token)
        if file.exists()
        else (secrets.token_urlsafe(16), secrets.token_urlsafe(16))
    )
    if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+", url):
        problems.append(f"url={url}: write one such as http://192.168.1.5:9000")
    if server and not SERVER.fullmatch(server):
        problems.append("server: write postgresql://user:password@host:port, without a database")
    problems += [] if problems else port_problems(participants, Room(url, *tokens).port)
    if problems:
        listed = "\n".join(f"  {each}" for each in problems)
        raise MigrateError(f"there is no plan yet. Nothing was written.\n{listed}", Exit.REFUSED)
    folder.mkdir(parents=True, exist_ok=True)
    write_room(folder, Room(url, *tokens, server, only))
    with (folder / PLAN).open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, [field.name for field in fields(Participant)])
        writer.writeheader()
        writer.writerows(asdict(each) for each in participants)
    return participants


def read_roster(file: Path, first_port: int) -> tuple[list[Participant], list[str]]:
    """The participants of a CSV file with the columns name, and optionally email and id; and what is
    wrong with it, line by line.

    Raises:
        MigrateError: it is no such file.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        fix = "Save it as CSV in UTF-8"
        raise MigrateError(f"{file} cannot be read: {error}. Nothing was written. {fix}.") from None
    heading = text.partition("\n")[0]
    rows = csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=heading.count))
    if "name" not in (rows.fieldnames or ()):
        raise MigrateError(
            f"{file} has no column name. Nothing was written. Its first line should read: name,email"
        )
    participants: list[Participant] = []
    problems: list[str] = []
    lines: dict[str, int] = {}  # where an id, an address or a name without either was
    for row in rows:
        name, email, given = ((row.get(key) or "").strip() for key in ("name", "email", "id"))
        if not name and not email:
            continue
        found = list(problems_of(name, email, given))
        key = given or email.lower() or name.casefold()
        if key in lines:
            found.append(f"is there already, in line {lines[key]}: remove one, or give each an id")
        lines.setdefault(key, rows.line_num)
        problems += [f"line {rows.line_num}: {shown(name)} {problem}" for problem in found]
        taken = {each.id for each in participants}
        unique = next(each for each in candidates(given or id_of(name)) if each not in taken)
        participants.append(
            Participant(
                unique,
                name,
                email or f"{unique}@workshop.invalid",
                first_port + len(participants),
                f"workshop_{unique.replace('-', '_')}",
            )
        )
    return participants, problems if participants else [f"{file} names nobody"]


def problems_of(name: str, email: str, given: str) -> Iterator[str]:
    """What is wrong with a row, each with its fix."""
    if not name:
        yield "has no name: write one"
    if len(name) > LONGEST_NAME:
        yield f"has {len(name)} characters: at most {LONGEST_NAME}"
    if CODE.search(name):
        yield "is code for a template or a spreadsheet: write a name"
    bad = {c for c in name if unicodedata.category(c) in SHAPELESS and c not in JOINERS}
    if bad:
        codes = ", ".join(sorted(f"U+{ord(c):04X}" for c in bad))
        yield f"holds characters that nobody sees ({codes}): remove them"
    if given and (not ID.fullmatch(given) or len(given) > LONGEST_ID):
        yield f"has the id {shown(given)}: use lower-case letters, digits and hyphens, at most 40"
    if name and not given and not id_of(name):
        yield "has no letter that an id could be made of: add a column id, and write one there"
    if email and not EMAIL.fullmatch(email):
        yield f"has the address {shown(email)}, which is none"


def id_of(name: str) -> str:
    """The id that a name gives: `ada-lovelace`; empty where it gives none."""
    slug = slugify(name[: 2 * LONGEST_NAME])[:LONGEST_ID].strip("-")
    return slug if not slug or slug[0].isalpha() else f"p-{slug}"[:LONGEST_ID].strip("-")


def candidates(wanted: str) -> Iterator[str]:
    """An id, then others like it."""
    yield wanted
    for number in range(2, 10_000):
        yield f"{wanted[: LONGEST_ID - 5].strip('-')}-{number}"


def shown(text: str) -> str:
    """A text from outside, as a message can hold it: escaped, and not too long."""
    return json.dumps(text[:40] + ("..." if len(text) > 40 else ""))


def port_problems(participants: list[Participant], board: int) -> list[str]:
    """What is wrong with the ports."""
    ports = [each.port for each in participants]
    if ports[-1] > 65535 or ports[0] < 1024:
        return [f"ports {ports[0]} to {ports[-1]}: choose another first one, such as port=8100"]
    if board in ports:
        return [f"port {board} is the board's: choose another first one, such as port=9100"]
    busy = [port for port in ports if is_busy(port)]
    return [f"port {port} is in use on this machine: choose another first one" for port in busy]


def is_busy(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def own_address() -> str:
    """The address of this machine in the room's network, as far as it has one; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anywhere:
        try:
            anywhere.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        address: str = anywhere.getsockname()[0]
    return address


def write_room(folder: Path, room: Room) -> None:
    """Write what all participants share, for the instructor alone to read."""
    file = folder / ROOM
    file.touch(mode=0o600)
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in asdict(room).items()]
    file.write_text("".join(lines), encoding="utf-8")


def read_room(folder: Path) -> Room:
    """What all participants share.

    Raises:
        MigrateError: there is no plan yet, or it was damaged.
    """
    try:
        text = (folder / ROOM).read_text(encoding="utf-8")
        values = tomllib.loads(text)
        return Room(**values | {"only": tuple(values["only"])})
    except FileNotFoundError:
        raise MigrateError(
            f"there is no plan in {folder}. Nothing was done. First: make workshop-plan roster=FILE"
        ) from None
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise MigrateError(
            f"{folder / ROOM} is not understood: {error}. Nothing was done."
        ) from None


def read_plan(folder: Path) -> list[Participant]:
    """The participants of the plan.

    Raises:
        MigrateError: there is no plan yet, or it was damaged.
    """
    read_room(folder)
    with (folder / PLAN).open(encoding="utf-8", newline="") as lines:
        try:
            rows: list[dict[str, Any]] = list(csv.DictReader(lines))
            return [Participant(**row | {"port": int(row["port"])}) for row in rows]
        except (TypeError, KeyError, ValueError) as error:
            raise MigrateError(
                f"{folder / PLAN} is not understood: {error}. Nothing was done."
                " Write it again: make workshop-plan roster=FILE"
            ) from None
