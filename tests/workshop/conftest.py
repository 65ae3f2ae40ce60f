"""A room, built once from the shared bake, and the project of one participant in it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import SLUG, copy_data, new_folder, once, run, stop_servers
from workshop.build import ARCHIVES, build
from workshop.plan import make_plan, read_plan

ROSTER = """\
name,email,id
Ada Lovelace,ada@example.com,
"Grace ""Amazing"" Hopper",,
Zoë O'Neill \N{ROCKET},zoe@example.com,
../up,up@example.com,
"""
FIRST_PORT = 21_000


class Room(NamedTuple):
    """What an instructor has after the build."""

    folder: Path
    archives: list[Path]


@pytest.fixture(scope="session")
def room(service: Path, run_folder: Path) -> Room:
    def make() -> Path:
        folder = Path(new_folder(run_folder)) / "room"
        roster = folder.with_name("roster.csv")
        roster.write_text(ROSTER, encoding="utf-8")
        make_plan(roster, folder, FIRST_PORT, "http://127.0.0.1:9", "", ())
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(service)
            build(folder, service)
        return folder

    folder = once(run_folder, "room", make)
    return Room(folder, [folder / ARCHIVES / f"{each.id}.tar.gz" for each in read_plan(folder)])


class Participant(NamedTuple):
    """A participant's project, and what is typed in it."""

    folder: Path

    def run(self, *arguments: str, **env: str) -> tuple[int, str]:
        """A command behind `make exercise` and its like: its exit code, and all that it said."""
        python = self.folder / ".venv" / "bin" / "python"
        done = run(python, "-m", "workshop.participant", *arguments, at=self.folder, env=env)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    def ok(self, *arguments: str, **env: str) -> str:
        code, said = self.run(*arguments, **env)
        assert code == 0, said
        return said

    def type(self, command: str) -> str:
        """What is typed into a terminal, and succeeds."""
        done = run("bash", "-c", command, at=self.folder)
        assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def git(self, *arguments: str) -> str:
        done = run("git", *arguments, at=self.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace the first occurrence; a name with * is that of the one file that it fits."""
        [file] = self.folder.glob(name)
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def files(self) -> dict[str, bytes]:
        """All that git does not ignore."""
        names = self.git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
        there = [name for name in names if name and (self.folder / name).exists()]
        return {name: (self.folder / name).read_bytes() for name in there}

    def database(self) -> str:
        """What the database holds: its schema, its users, its history."""
        python = self.folder / ".venv" / "bin" / "python"
        done = run(python, "-c", CONTENT, at=self.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout


CONTENT = """
import psycopg
from modelmigrate.postgres.environments import development_url
with psycopg.connect(development_url()) as database:
    for query in (
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY 1, 2",
        "SELECT to_jsonb(users) - 'created_at' - 'updated_at' FROM users ORDER BY id",
        "SELECT conname FROM pg_constraint ORDER BY 1",
        "SELECT version FROM atlas_schema_revisions.atlas_schema_revisions ORDER BY 1",
    ):
        print(*database.execute(query), sep="\\n")
"""


def unpack(archive: Path, into: Path) -> Participant:
    """A participant who has unpacked their archive."""
    into.mkdir()
    run("tar", "xzf", archive, at=into).check_returncode()
    return Participant(into / SLUG)


@pytest.fixture(scope="session")
def participant(room: Room, workshop: Path) -> Iterator[Participant]:
    """Shared: each test begins an exercise of its own."""
    made = unpack(room.archives[0], workshop / "participant")
    copy_data(workshop / "servers", made.folder / ".postgres")
    run("uv", "sync", "--locked", "--quiet", at=made.folder).check_returncode()
    yield made
    stop_servers(made.folder)
    shutil.rmtree(made.folder.parent, ignore_errors=True)
