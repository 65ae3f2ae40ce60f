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
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[1]
SLUG = "team-directory"
SIZES = [10, 100, 500, 2000]
ROUNDS = 5
ALEMBIC = "alembic==1.20.1"

OURS: tuple[str, ...] = ("modelmigrate",)
PEER: tuple[str, ...] = ("alembic",)
CREATE = "one-column create"
ADDS_COLUMN = re.compile(r"add.column\W.*\bone_\d+\b", re.IGNORECASE)
COMPARED = {
    "no-op check": {"ours": (*OURS, "check"), "peer": (*PEER, "check")},
    CREATE: {
        "ours": (*OURS, "create", "add one"),
        "peer": (*PEER, "revision", "--autogenerate", "-m", "add one"),
    },
    # Alembic has no other command for it.
    "drift": {"ours": (*OURS, "drift"), "peer": (*PEER, "check")},
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
from alembic import context
from sqlalchemy import create_engine

from domain.models import Base

with create_engine({url!r}).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""

Seconds = dict[tuple[str, str], list[float]]


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
                seconds = measure(project, arguments.rounds)
            report(size, seconds)


def in_memory(
    folder: Path = Path("/dev/shm"),  # noqa: S108
    room: int = 12 << 30,
) -> Path | None:
    """Where no disk is measured, if there is such a folder with room for the servers of both sides."""
    return folder if folder.is_dir() and shutil.disk_usage(folder).free >= room else None


def report(size: int, seconds: Seconds) -> None:
    print(file=sys.stderr)
    for name in COMPARED:
        ours, peer = seconds[name, "ours"], seconds[name, "peer"]
        ratio = statistics.median(a / b for a, b in zip(ours, peer, strict=True))
        both = f"ours {statistics.median(ours):6.2f} s   peer {statistics.median(peer):6.2f} s"
        print(f"{size:>5} tables   {name:<21} {both}   ours / peer {ratio:5.2f}", flush=True)
    for name in PARTS:
        alone = statistics.median(seconds[name, "alone"])
        print(f"{size:>5} tables   {name:<21} alone{alone:6.2f} s", flush=True)


def measure(project: Path, rounds: int) -> Seconds:
    """What each command took in each round; the first, which warms the caches, is left out."""
    seconds: Seconds = defaultdict(list)
    for number in range(-1, rounds):
        for name, sides in COMPARED.items():
            # Neither side always comes first.
            for side in ("ours", "peer") if number % 2 else ("peer", "ours"):
                with one_column_more(project) if name == CREATE else nullcontext():
                    took = run(project, *sides[side])
                if number >= 0:
                    seconds[name, side].append(took)
        for name, command in PARTS.items():
            took = run(project, *command)
            if number >= 0:
                seconds[name, "alone"].append(took)
    return seconds


@contextmanager
def one_column_more(project: Path) -> Iterator[None]:
    """A column is added to the models, and one migration must come of it; then both are undone."""
    module = project / "src/domain/models/things_0.py"
    folders = (project / "migrations", project / "peer/versions")
    before = contents(module.parent, *folders)
    # A new name each time: ours keeps what it has once computed for the same models.
    column = f"one_{time.monotonic_ns()}: Mapped[int | None]"
    module.write_text(before[module].decode().replace("name:", f"{column}\n    name:", 1))
    yield
    written = contents(*folders).keys() - before.keys()
    if not any(ADDS_COLUMN.search(file.read_text()) for file in written):
        sys.exit(f"no migration adds the column: {written or 'nothing was written'}")
    for file in written:
        file.unlink()
    for file, content in before.items():
        if file.read_bytes() != content:
            file.write_bytes(content)


def contents(*folders: Path) -> dict[Path, bytes]:
    files = (file for folder in folders for file in folder.rglob("*.*") if file.suffix != ".pyc")
    return {file: file.read_bytes() for file in files}


@contextmanager
def project_of(size: int, folder: Path) -> Iterator[Path]:
    """A generated project with so many tables, and a migrated database for each side."""
    folder.mkdir()
    project = folder / SLUG
    cookiecutter = (sys.executable, "-m", "cookiecutter", ROOT, "--no-input")
    # Cookiecutter leaves its rendered hooks in TMPDIR.
    run(ROOT, *cookiecutter, "--output-dir", folder, TEMPLATE_SETUP="no", TMPDIR=str(folder))
    run(project, "uv", "sync")
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
    with closing(psycopg.connect(ours.replace("/team_directory?", "/peer?"))) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")  # which its migrations would not make
        connection.commit()
    place = ours.replace("postgresql://", "postgresql+psycopg://").partition("?")
    theirs = f"{place[0].rpartition('/')[0]}/peer?{place[2]}"
    run(project, "alembic", "init", "peer")
    (project / "peer/env.py").write_text(ENV_PY.format(url=theirs))


def run(folder: Path, *command: str | Path, **extra: str) -> float:
    """The seconds that a command took. One that fails ends the run, with its words."""
    started = time.monotonic()
    finished = subprocess.run(
        command,
        cwd=folder,
        env=environment(folder) | extra,
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    took = time.monotonic() - started
    if finished.returncode:
        sys.exit(f"{command} failed:\n{finished.stdout}{finished.stderr}")
    print(".", end="", file=sys.stderr, flush=True)
    return took


def environment(folder: Path) -> dict[str, str]:
    """Ours, as a user's would be: with the project's programs first, and bytecode that is kept."""
    unwanted = ("DATABASE_URL", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
    ours = {key: value for key, value in os.environ.items() if key not in unwanted}
    return ours | {"PATH": os.pathsep.join((str(folder / ".venv/bin"), ours["PATH"]))}


if __name__ == "__main__":
    if not shutil.which("uv"):
        sys.exit("run me by `make benchmark`: it brings uv")
    main()
