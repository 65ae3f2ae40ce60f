"""The schema commands against Alembic's, on the same models, interpreter and server.

ours    modelmigrate, in the generated project
peer    Alembic as `alembic init` sets it up, comparing the models with a migrated database

They take turns in one run, and load the models wherever they need them; read the ratios, not the
seconds. A first round warms the caches of both, among them the databases that ours keeps to clone.
The two do not promise the same: `alembic check` compares tables, columns, indexes and constraints,
and tells neither models from drift nor either from a migration that was edited after it was
applied. Its database and the one that drift is looked for in are on the same durable server; ours
computes on its own scratch server besides. And ours plans, applies and compares the functions,
triggers and views of the project, too. Run by `make benchmark`.
"""

import argparse
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

ROOT = Path(__file__).resolve().parents[1]
SLUG = "team-directory"
SIZES = [10, 100, 500, 2000]
ROUNDS = 5
ALEMBIC = "alembic==1.20.1"

OURS: tuple[str, ...] = ("modelmigrate",)
PEER: tuple[str, ...] = ("alembic",)
CREATE, PROMISED, FIRST = "one-column create", "create, all promises", "first migration"
OURS_CREATES = ((*OURS, "create", "add one"),)
PEER_CREATES = ((*PEER, "revision", "--autogenerate", "-m", "add one"),)
COMPARED: dict[str, dict[str, tuple[tuple[str, ...], ...]]] = {
    "no-op check": {"ours": ((*OURS, "check"),), "peer": ((*PEER, "check"),)},
    CREATE: {"ours": OURS_CREATES, "peer": PEER_CREATES},
    # What `create` promises: it leads to the models, and back, and there again.
    PROMISED: {
        "ours": OURS_CREATES,
        "peer": (
            *PEER_CREATES,
            (*PEER, "upgrade", "head"),
            (*PEER, "check"),
            (*PEER, "downgrade", "-1"),
            (*PEER, "upgrade", "head"),
        ),
    },
    FIRST: {"ours": OURS_CREATES, "peer": PEER_CREATES},
    # Alembic has no other command for it.
    "drift": {"ours": ((*OURS, "drift"),), "peer": ((*PEER, "check"),)},
}
# Where the time goes: ours runs the first in `check` and in `create`, and Alembic imports the
# models in whatever it does.
PARTS = {
    "load_models.py": ("python", "load_models.py"),
    "import of the models": ("python", "-c", "import domain.models"),
}

OWN_TABLES = 4  # of the generated project
TABLES_PER_MODULE = 10
MODULE = """
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from domain.models.base import BaseEntity
"""
TABLE = """

class Thing{number:04}(BaseEntity):
    name: Mapped[str] = mapped_column(String(100))
    code: Mapped[str] = mapped_column(String(20), unique=True)
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 2), server_default="0")
    previous_id: Mapped[UUID | None] = mapped_column(ForeignKey("{previous}.id"), index=True)
"""
ENV_PY = """
import os

from alembic import context
from sqlalchemy import create_engine

from domain.models import Base

url = {url!r}.replace("/peer?", os.environ.get("PEER_DATABASE", "/peer?"))
with create_engine(url).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""

Measured = dict[tuple[str, str], list["Spent"]]


class Spent(NamedTuple):
    """What a command took."""

    seconds: float
    megabytes: float
    """Of the largest of its processes; servers are none of them."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, help="numbers of tables, above 3"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=in_memory()) as folder:
        # A database server without privileges has to reach what lies in here.
        Path(folder).chmod(0o755)
        for size in arguments.sizes:
            with project_of(size, Path(folder, str(size))) as project:
                measured = measure(project, arguments.rounds)
            report(size, measured)


def in_memory(
    folder: Path = Path("/dev/shm"),  # noqa: S108
    room: int = 12 << 30,
) -> Path | None:
    """Where no disk is measured, if there is such a folder with room for the servers of both sides."""
    return folder if folder.is_dir() and shutil.disk_usage(folder).free >= room else None


def report(size: int, measured: Measured) -> None:
    print(file=sys.stderr)
    for name in COMPARED:
        ours, peer = ([each.seconds for each in measured[name, side]] for side in ("ours", "peer"))
        ratio = statistics.median(a / b for a, b in zip(ours, peer, strict=True))
        both = f"ours {statistics.median(ours):6.2f} s   peer {statistics.median(peer):6.2f} s"
        print(f"{size:>5} tables   {name:<21} {both}   ours / peer {ratio:5.2f}", flush=True)
    for name in PARTS:
        alone = statistics.median(each.seconds for each in measured[name, "alone"])
        print(f"{size:>5} tables   {name:<21} alone{alone:6.2f} s", flush=True)
    for side in ("ours", "peer"):
        largest = max(
            each.megabytes for of, all_of in measured.items() if of[1] == side for each in all_of
        )
        print(f"{size:>5} tables   largest process       {side} {largest:6.0f} MB", flush=True)


def measure(project: Path, rounds: int) -> Measured:
    """What each command took in each round; the first, which warms the caches, is left out."""
    measured: Measured = defaultdict(list)
    for number in range(-1, rounds):
        for name, sides in COMPARED.items():
            # Neither side always comes first.
            for side in ("ours", "peer") if number % 2 else ("peer", "ours"):
                with prepared(project, name, side) as variables:
                    took = [run(project, *command, **variables) for command in sides[side]]
                if number >= 0:
                    seconds, megabytes = zip(*took, strict=True)
                    measured[name, side].append(Spent(sum(seconds), max(megabytes)))
        for name, command in PARTS.items():
            took_alone = run(project, *command)
            if number >= 0:
                measured[name, "alone"].append(took_alone)
    return measured


LENGTHS = itertools.count(1)


@contextmanager
def prepared(project: Path, name: str, side: str) -> Iterator[dict[str, str]]:
    """For commands that create: a column more in the models, of which one migration must come; without
    the others, and for Alembic with an empty database, where it is to be the first. All is undone."""
    if name not in (CREATE, PROMISED, FIRST):
        yield {}
        return
    module = project / "src/domain/models/things_0.py"
    folders = (project / "migrations", project / "peer/versions")
    before = contents(module.parent, *folders)
    # A new name each time: ours keeps what it has once computed for the same models. And a longer one, since
    # to Python a module of the same second and size is the one that it has compiled.
    column = f"one_{'e' * next(LENGTHS)}"
    text = before[module].decode()
    module.write_text(text.replace("name:", f"{column}: Mapped[int | None]\n    name:", 1))
    for file in before if name == FIRST else ():
        if file.is_relative_to(folders[0]) or file.is_relative_to(folders[1]):
            file.unlink()
    yield {"PEER_DATABASE": "/empty?"} if name == FIRST else {}
    if (name, side) == (PROMISED, "peer"):
        run(project, *PEER, "downgrade", "-1")
    written = [file for file, content in contents(*folders).items() if before.get(file) != content]
    if not any(column in file.read_text() for file in written):
        sys.exit(f"no migration adds the column: {written or 'nothing was written'}")
    for file in written:
        file.unlink()
    for file, content in before.items():
        if not file.exists() or file.read_bytes() != content:
            file.write_bytes(content)


def contents(*folders: Path) -> dict[Path, bytes]:
    files = (file for folder in folders for file in folder.rglob("*.*") if file.suffix != ".pyc")
    return {file: file.read_bytes() for file in files}


def bake(folder: Path) -> Path:
    """A generated project in this folder, with what it needs and without migrations."""
    folder.mkdir()
    cookiecutter = (sys.executable, "-m", "cookiecutter", ROOT, "--no-input")
    # Cookiecutter leaves its rendered hooks in TMPDIR.
    run(ROOT, *cookiecutter, "--output-dir", folder, TEMPLATE_SETUP="no", TMPDIR=str(folder))
    run(folder / SLUG, "uv", "sync")
    return folder / SLUG


@contextmanager
def project_of(size: int, folder: Path) -> Iterator[Path]:
    """A generated project with so many tables, and a migrated database for each side."""
    project = bake(folder)
    run(project, "uv", "pip", "install", "--python", ".venv", ALEMBIC)
    write_models(project / "src/domain/models", size - OWN_TABLES)
    try:
        run(project, *OURS, "create", "initial")
        run(project, *OURS, "apply")
        set_up_alembic(project)
        run(project, *PEER, "revision", "--autogenerate", "-m", "initial")
        run(project, *PEER, "upgrade", "head")
        yield project
    finally:
        run(project, *OURS, "db", "stop")
        shutil.rmtree(folder)


def write_models(models: Path, tables: int) -> None:
    previous = "users"
    for number in range(tables):
        module = models / f"things_{number // TABLES_PER_MODULE}.py"
        with module.open("a") as file:
            if number % TABLES_PER_MODULE == 0:
                file.write(MODULE)
            file.write(TABLE.format(number=number, previous=previous))
        previous = f"thing{number:04}s"


def set_up_alembic(project: Path) -> None:
    url = subprocess.check_output((*OURS, "db", "url"), cwd=project, env=environment(project))
    ours = url.decode().strip()
    with closing(psycopg.connect(ours, autocommit=True)) as connection:
        connection.execute("CREATE DATABASE peer")
        connection.execute("CREATE DATABASE empty")
    for name in ("peer", "empty"):
        with closing(psycopg.connect(ours.replace("/team_directory?", f"/{name}?"))) as connection:
            connection.execute("CREATE EXTENSION pg_trgm")  # which its migrations would not make
            connection.commit()
    place = ours.replace("postgresql://", "postgresql+psycopg://").partition("?")
    theirs = f"{place[0].rpartition('/')[0]}/peer?{place[2]}"
    run(project, "alembic", "init", "peer")
    (project / "peer/env.py").write_text(ENV_PY.format(url=theirs))


def run(folder: Path, *command: str | Path, **extra: str) -> Spent:
    """What a command took. One that fails ends the run, with its words."""
    with tempfile.TemporaryFile("w+") as said:
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, env=environment(folder) | extra, stdout=said, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
        took = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{command} failed:\n{said.read()}")
    print(".", end="", file=sys.stderr, flush=True)
    return Spent(took, used.ru_maxrss / 1024)


def environment(folder: Path) -> dict[str, str]:
    """Ours, as a user's would be: with the project's programs first, and bytecode that is kept."""
    unwanted = ("DATABASE_URL", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
    ours = {key: value for key, value in os.environ.items() if key not in unwanted}
    return ours | {"PATH": os.pathsep.join((str(folder / ".venv/bin"), ours["PATH"]))}


if __name__ == "__main__":
    if not shutil.which("uv"):
        sys.exit("run me by `make benchmark`: it brings uv")
    main()
