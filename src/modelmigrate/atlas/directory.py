"""The migration directory: its files, their order, `atlas.sum` and the `-- atlas:` directives."""

import hashlib
import re
from base64 import b64encode
from pathlib import Path
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.atlas.commands import run_atlas
from modelmigrate.errors import MigrateError

TXMODE_NONE = "-- atlas:txmode none\n\n"  # without the blank line, Atlas ignores it
TXMODE_DIRECTIVE = re.compile(r"^-- ?atlas:txmode none", re.MULTILINE)
FILE_NAME = re.compile(r"\d{14}_\w+\.sql")
VERSION_FORMAT = "%Y%m%d%H%M%S"
SUM_LINE = re.compile(r"^(?P<name>(?P<version>[^\s_.]+)\S*\.sql) h1:(?P<hash>\S+)$", re.MULTILINE)


class Migration(NamedTuple):
    """A file of `migrations/`."""

    version: str
    name: str
    hash: str
    """Of this file and all before it."""

    @property
    def path(self) -> Path:
        return project.migrations_dir() / self.name

    @property
    def sql(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def transactional(self) -> bool:
        """Whether Atlas runs the file in a transaction: directives are comments at the very top,
        with a blank line after them."""
        return not re.match(r"(--.*\n)*-- ?atlas:txmode none\n(--.*\n)*\n", self.sql)


def read_migrations() -> list[Migration]:
    """The files, oldest first, as `atlas.sum` lists them.

    Raises:
        MigrateError: there are none, or they do not match `atlas.sum` (exit code 4).
    """
    require_migrations()
    require_checksums()
    text = (project.migrations_dir() / "atlas.sum").read_text(encoding="utf-8")
    return [
        Migration(found["version"], found["name"], found["hash"])
        for found in SUM_LINE.finditer(text)
    ]


def has_migrations() -> bool:
    """Whether there is any migration file."""
    return any(project.migrations_dir().glob("*.sql"))


def require_migrations() -> None:
    """Raise MigrateError where there is no migration file."""
    if not has_migrations():
        raise MigrateError(
            f"there is no migration yet. Create it: {project.command('create', 'initial')}"
        )


def require_checksums() -> None:
    """Raise MigrateError (exit code 4) where the files do not match `atlas.sum`."""
    sums = project.migrations_dir() / "atlas.sum"
    # Where they do match, starting Atlas would take fifty times as long to say so.
    if not sums.is_file() or sums.read_bytes() != checksums():
        run_atlas("migrate", "validate")


def checksums() -> bytes:
    """What Atlas writes into `atlas.sum` for the files as they are; nothing where one of them has a
    directive about that, which is for Atlas to read.

    Source: `NewHashFile` in ariga.io/atlas/sql/migrate/dir.go.
    """
    running, total, lines = hashlib.sha256(), hashlib.sha256(), []
    for file in sorted(project.migrations_dir().glob("*.sql"), key=lambda file: file.name):
        name, content = file.name.encode(), file.read_bytes()
        if b"atlas:sum" in content:
            return b""
        running.update(name + content)
        digest = b64encode(running.digest())
        total.update(name + digest)
        lines.append(name + b" h1:" + digest + b"\n")
    return b"h1:" + b64encode(total.digest()) + b"\n" + b"".join(lines)


def update_checksums() -> None:
    """Accept the migration files as they are: rewrite `atlas.sum`."""
    run_atlas("migrate", "hash")


def version_of(name: str) -> str:
    """The version in a file's name."""
    return re.split(r"[_.]", name, maxsplit=1)[0]
