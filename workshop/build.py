"""A room built: one bake, an archive for each participant, the solutions apart."""

import gzip
import io
import os
import re
import secrets
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from modelmigrate.atlas.binary import atlas_binary
from modelmigrate.errors import MigrateError
from modelmigrate.postgres.connection import connect
from modelmigrate.terminal import note
from psycopg.sql import SQL, Identifier

from workshop.participant.exercise import FOLDER, Exercise
from workshop.plan import Participant, Room, read_plan, read_room

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(__file__).resolve().parent
SLUG = "team-directory"
ARCHIVES, SOLUTIONS, WORK = "archives", "solutions", "work"
# Older than all that exercises add, and than all that participants will.
FIRST_VERSION = "20260101000000"
KEPT_BACK = shutil.ignore_patterns("*.patch", "__pycache__")
# Whatever an instructor has told git: these commits are made for all, and patches applied as they are.
GIT = {
    "user.name": "The workshop",
    "user.email": "workshop@workshop.invalid",
    "commit.gpgSign": "false",
    "core.autocrlf": "false",
    "apply.whitespace": "nowarn",
}


def build(folder: Path, project: Path) -> list[Path]:
    """Build the room that is planned in the folder from a baked service; the archives.

    Raises:
        MigrateError: there is no plan, or a step fails.
    """
    room, participants = read_room(folder), read_plan(folder)
    chosen, work = room.exercises, folder / WORK
    with step("exercises"):
        repository = prepare(project, work / "room" / SLUG, chosen)
    with step("solutions"):
        bundle_solutions(repository, work / "solved", folder / SOLUTIONS, chosen)
    if room.server:
        with step("databases"):
            create_databases(room, participants)
    with step(f"{len(participants)} archives"):
        return list(write_archives(repository, folder / ARCHIVES, room, participants))


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say how long a step has taken."""
    began = time.monotonic()
    note(f"  ...   {name}", end="\r" if sys.stderr.isatty() else "\n")
    yield
    note(f"  done  {name} ({time.monotonic() - began:.1f} s)")


def run(*command: str | Path, at: Path, env: Mapping[str, str] | None = None) -> str:
    """What a program prints.

    Raises:
        MigrateError: it failed; its own words.
    """
    finished = subprocess.run(
        command,
        cwd=at,
        env=os.environ | (env or {}),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode:
        said = (finished.stderr or finished.stdout).strip()
        raise MigrateError(f"{Path(command[0]).name} failed:\n{said}")
    return finished.stdout


def git(*arguments: str | Path, at: Path) -> str:
    """What git prints.

    Raises:
        MigrateError: it failed; its own words.
    """
    options = [word for key, value in GIT.items() for word in ("-c", f"{key}={value}")]
    return run("git", *options, *arguments, at=at)


def bake(work: Path) -> Path:
    """A service baked from this template, which is used again while that stays the same.

    Raises:
        MigrateError: it could not be baked whole.
    """
    head = git("rev-parse", "HEAD", at=ROOT).strip()
    project, made_from = work / "bake" / SLUG, work / "bake" / "commit"
    if made_from.exists() and made_from.read_text() == head:
        return project
    shutil.rmtree(work / "bake", ignore_errors=True)
    project.parent.mkdir(parents=True)
    options = ("--no-input", "--default-config", "--output-dir", project.parent)
    said = run(sys.executable, "-m", "cookiecutter", ROOT, *options, at=work)
    if not (project / "uv.lock").exists() or not list((project / "migrations").glob("*.sql")):
        raise MigrateError(f"the bake is not complete:\n{said.strip()}")
    # A bake within a repository, such as this one, begins none of its own.
    if not (project / ".git").exists():
        git("init", "--quiet", "--initial-branch=main", at=project)
        git("add", "--all", at=project)
        git("commit", "--quiet", "--message", "Start from the template", at=project)
    made_from.write_text(head)
    return project


def prepare(project: Path, target: Path, chosen: list[Exercise]) -> Path:
    """The repository that all participants get: the service, the exercises, a tag for each start."""
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    git("clone", "--quiet", "--no-hardlinks", project, target, at=target.parent)
    git("remote", "remove", "origin", at=target)
    for migrations in (target / "migrations", target / "migrations" / "down"):
        for file in migrations.glob("*.sql"):
            file.rename(file.with_name(re.sub(r"^\d+", FIRST_VERSION, file.name)))
    add_commands(target, chosen)
    base = commit(target, "The workshop")
    for exercise in chosen:
        colleague = exercise.folder / "colleague.patch"
        if colleague.exists():
            patched(target, base, colleague, "The colleague's branch")
            git("branch", f"colleague/{exercise.number}", at=target)
        patched(target, base, exercise.folder / "start.patch", f"Start of {exercise.heading}")
        git("tag", exercise.start, at=target)
    git("checkout", "--quiet", "-B", "main", base, at=target)
    git("gc", "--quiet", at=target)
    return target


def add_commands(target: Path, chosen: list[Exercise]) -> None:
    """Copy what participants get of this package: all but what gives the solutions away."""
    inside = target / PACKAGE.name
    shutil.copytree(PACKAGE / "participant", inside / "participant", ignore=KEPT_BACK)
    (inside / "participant" / "GNUmakefile").rename(target / "GNUmakefile")
    for exercise in chosen:
        copied = inside / FOLDER.name / exercise.folder.name
        shutil.copytree(exercise.folder, copied, ignore=KEPT_BACK)
    for name in ("__init__.py", f"{FOLDER.name}/__init__.py"):
        shutil.copy2(PACKAGE / name, inside / name)
    shutil.copy2(PACKAGE / "sheet.md", target / "WORKSHOP.md")
    (inside / ".gitignore").write_text("progress.jsonl\n")


def patched(repository: Path, base: str, patch: Path, message: str) -> str:
    """Check out `base` and commit a patch to it, if there is one, with the checksums of Atlas; the
    commit. Patches hold no checksums, which depend on the first migration of the bake."""
    git("checkout", "--quiet", "--force", "--detach", base, at=repository)
    if not patch.exists():
        return base
    git("apply", "--index", patch, at=repository)
    return commit(repository, message)


def commit(repository: Path, message: str) -> str:
    """Commit all files, and the checksums of the migrations as they are now."""
    run(atlas_binary(), "migrate", "hash", "--dir", "file://migrations", at=repository)
    git("add", "--all", at=repository)
    git("commit", "--quiet", "--message", message, at=repository)
    return git("rev-parse", "HEAD", at=repository).strip()


def bundle_solutions(
    repository: Path, work: Path, target: Path, chosen: list[Exercise]
) -> list[Path]:
    """Write each solution as a git bundle, made in another clone: what participants get has no trace of
    it. Where a colleague has a branch, the solution merges it."""
    for folder in (work, target):
        shutil.rmtree(folder, ignore_errors=True)
    target.mkdir(parents=True)
    git("clone", "--quiet", repository, work, at=target)
    written = []
    for exercise in chosen:
        solution = exercise.folder / "solution.patch"
        made = patched(work, exercise.start, solution, f"Solution of {exercise.heading}")
        parents = [exercise.start]
        if (exercise.folder / "colleague.patch").exists():
            parents.append(f"origin/colleague/{exercise.number}")
        options = [word for parent in parents for word in ("-p", parent)]
        message = f"Solution of {exercise.heading}"
        joined = ("commit-tree", f"{made}^{{tree}}", *options, "-m", message)
        made = git(*joined, at=work).strip()
        name = f"refs/solutions/{exercise.number}"
        git("update-ref", name, made, at=work)
        file = target / f"solution-{exercise.number}.bundle"
        known = [f"^{parent}" for parent in parents]
        git("bundle", "create", "--quiet", file, name, *known, at=work)
        written.append(file)
    return written


def create_databases(room: Room, participants: list[Participant]) -> None:
    """Give each participant a database on the server for all, unless it is there.

    Raises:
        MigrateError: the server does not answer, or refuses.
    """
    with closing(connect(room.database_url("postgres"), "server=")) as server:
        known = {name for (name,) in server.execute("SELECT datname FROM pg_database")}
        for participant in participants:
            if participant.database not in known:
                name = Identifier(participant.database)
                server.execute(SQL("CREATE DATABASE {}").format(name))


def write_archives(
    repository: Path, target: Path, room: Room, participants: list[Participant]
) -> Iterator[Path]:
    """An archive for each participant. What they share is packed once: gzip and tar both allow that
    something is appended."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    shared = io.BytesIO()
    own = {".git/config", ".env"}
    with tarfile.open(fileobj=shared, mode="w") as tar:
        for path in sorted(repository.rglob("*")):
            if path.relative_to(repository).as_posix() not in own:
                name = f"{SLUG}/{path.relative_to(repository).as_posix()}"
                tar.add(path, name, recursive=False, filter=nobodys)
        packed = gzip.compress(shared.getvalue(), 6)  # before its end is marked
    example = (repository / ".env.example").read_text(encoding="utf-8")
    for number, participant in enumerate(participants, 1):
        file = target / f"{participant.id}.tar.gz"
        content = {
            f"{SLUG}/.env": settings_of(participant, room, example),
            f"{SLUG}/.git/config": git_config_of(participant, repository),
        }
        file.touch(mode=0o600)  # it holds tokens
        file.write_bytes(packed + gzip.compress(tail(content)))
        if sys.stderr.isatty():
            note(f"  {number:>4}  {participant.id:<40}", end="\r")
        yield file


def nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """An entry that belongs to whoever unpacks it."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def tail(content: Mapping[str, str]) -> bytes:
    """The end of an archive, with these texts in it."""
    end = io.BytesIO()
    with tarfile.open(fileobj=end, mode="w") as tar:
        for name, text in content.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(text.encode()), 0o600, int(time.time())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return end.getvalue()


def settings_of(participant: Participant, room: Room, example: str) -> str:
    """The participant's `.env`, with secrets of its own."""
    settings = {
        "PARTICIPANT": participant.id,
        "APP_PORT": str(participant.port),
        "WORKSHOP_URL": room.url,
        "WORKSHOP_TOKEN": room.room_token,
    }
    if room.server:
        settings["DATABASE_URL"] = room.database_url(participant.database)
    lines = [f"{key}={value}\n" for key, value in settings.items()]
    secret = re.sub("change-me", lambda _: secrets.token_urlsafe(24), example)
    return "".join([secret, "\n# The workshop\n", *lines])


def git_config_of(participant: Participant, repository: Path) -> str:
    """The repository's configuration, in which the participant commits as themselves."""
    text = (repository / ".git" / "config").read_text(encoding="utf-8")
    name, email = (
        value.replace("\\", "\\\\").replace('"', '\\"')
        for value in (participant.name, participant.email)
    )
    return f'{text}[user]\n\tname = "{name}"\n\temail = "{email}"\n'
