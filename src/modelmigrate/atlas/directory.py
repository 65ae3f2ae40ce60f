"""The migration directory: its files, their order, `atlas.sum` and the `-- atlas:` directives."""

import hashlib
import re
from base64 import b64encode
from itertools import pairwise
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.atlas.commands import run_atlas
from modelmigrate.atlas.refused_statements import runs_outside_transaction
from modelmigrate.errors import MigrateError

TXMODE_NONE = "-- atlas:txmode none\n\n"  # without the blank line, Atlas ignores it
TXMODE_DIRECTIVE = re.compile(r"^-- ?atlas:txmode none", re.MULTILINE)
DIRECTIVES = re.compile(r"(-- ?[a-z]+:[^\n]*\n)+\n")
PHASES = ("expand", "contract")
# In the comments at the very top, beside those for Atlas; the service reads it likewise.
PHASE = re.compile(r"(?:--.*\n)*?-- ?gate:phase +(?P<phase>expand|contract)[ \t]*(?:\n|\Z)")
PHASE_DIRECTIVE = re.compile(r"^-- ?gate:.*$", re.MULTILINE)
PART = re.compile(rf"(?:{DIRECTIVES.pattern})?-- Part (?P<part>\d+) of (?P<of>\d+)\.\n")
FILE_NAME = re.compile(r"\d{14}_\w+\.sql")
VERSION_FORMAT = "%Y%m%d%H%M%S"
SUM_LINE = re.compile(r"^(?P<name>(?P<version>[^\s_.]+)\S*\.sql) h1:(?P<hash>\S+)$", re.MULTILINE)


class Migration(NamedTuple):
    """A file of `migrations/`."""

    version: str
    name: str
    hash: str
    """Of this file and all before it."""
    content: bytes

    @property
    def sql(self) -> str:
        return self.content.decode().replace("\r\n", "\n").replace("\r", "\n")

    @property
    def transactional(self) -> bool:
        """Whether Atlas runs the file in a transaction: directives are comments at the very top,
        with a blank line after them."""
        return not runs_outside_transaction(self.sql)

    @property
    def phase(self) -> str:
        """As `phase_of`."""
        return phase_of(self.sql)


def read_migrations() -> list[Migration]:
    """The files, oldest first, as `atlas.sum` lists them.

    Raises:
        MigrateError: there are none, two have one version, or they do not match `atlas.sum` (exit code 4).
    """
    require_migrations()
    contents = read_files()
    require_checksums(contents)
    text = (project.migrations_dir() / "atlas.sum").read_text(encoding="utf-8")
    migrations = [
        Migration(found["version"], found["name"], found["hash"], contents[found["name"]])
        for found in SUM_LINE.finditer(text)
    ]
    for one, other in pairwise(migrations):
        if one.version == other.version:
            raise MigrateError(
                f"version {one.version} is given twice: {one.name}, {other.name}. Nothing was changed."
                f" Rename one of them, and its down migration, then run: {project.command('hash')}"
            )
    return migrations


def mark_parts(texts: list[str]) -> list[str]:
    """The texts of the files that one `create` writes, each with a line that says which part it is: they
    are rolled back together. A line, since names and versions change in `branch rebase`, and two
    migrations may have the same message. Below the directives, which Atlas reads at the very top only."""
    if len(texts) == 1:
        return texts
    marked = []
    for number, text in enumerate(texts, 1):
        end = found.end() if (found := DIRECTIVES.match(text)) else 0
        marked.append(f"{text[:end]}-- Part {number} of {len(texts)}.\n{text[end:]}")
    return marked


def phase_of(text: str) -> str:
    """`contract` where a file says so at its top: it breaks the programs of the version before, and is
    applied once none of them runs. Else `expand`: before a rollout, while they run."""
    found = PHASE.match(text)
    return found["phase"] if found else "expand"


def as_contract(text: str) -> str:
    """The text of a file of the phase `contract`."""
    end = found.end() - 1 if (found := DIRECTIVES.match(text)) else 0
    return f"{text[:end]}-- gate:phase contract\n{text[end:] if end else chr(10) + text}"


def with_directives(text: str, lines: list[str]) -> str:
    """The text of a file with more lines at its very top, beside those that Atlas reads there."""
    if not lines:
        return text
    end = "" if DIRECTIVES.match(text) else "\n"
    return "".join(f"{each}\n" for each in lines) + end + text


def by_create(migrations: list[Migration]) -> list[list[Migration]]:
    """Migrations in groups, in their order: the files that one `create` wrote, as far as they follow one
    another; each file without a mark alone."""
    groups: list[list[Migration]] = []
    last = None
    for migration in migrations:
        part = part_of(migration.sql)
        if part and last == (part[0] - 1, part[1]):
            groups[-1].append(migration)
        else:
            groups.append([migration])
        last = part
    return groups


def part_of(text: str) -> tuple[int, int] | None:
    """Which part a file is, and of how many, as `mark_parts` has written; None where it is no part."""
    found = PART.match(text)
    return (int(found["part"]), int(found["of"])) if found else None


def has_migrations() -> bool:
    """Whether there is any migration file."""
    return any(project.migrations_dir().glob("*.sql"))


def require_migrations() -> None:
    """Raise MigrateError where there is no migration file."""
    if not has_migrations():
        raise MigrateError(
            f"there is no migration yet. Create it: {project.command('create', 'initial')}"
        )


def read_files() -> dict[str, bytes]:
    """What is in each migration file, by their names, in their order."""
    folder = project.migrations_dir()
    names = sorted(file.name for file in folder.glob("*.sql"))
    return {name: folder.joinpath(name).read_bytes() for name in names}


def require_checksums(contents: dict[str, bytes]) -> None:
    """Raise MigrateError (exit code 4) where the files do not match `atlas.sum`."""
    sums = project.migrations_dir() / "atlas.sum"
    # Where they do match, starting Atlas would take fifty times as long to say so.
    if not sums.is_file() or sums.read_bytes() != checksums(contents):
        run_atlas("migrate", "validate")


def checksums(contents: dict[str, bytes]) -> bytes:
    """What Atlas writes into `atlas.sum` for these files; nothing where one of them has a directive about
    that, which is for Atlas to read.

    Source: `NewHashFile` in ariga.io/atlas/sql/migrate/dir.go.
    """
    running, total, lines = hashlib.sha256(), hashlib.sha256(), []
    for file, content in contents.items():
        name = file.encode()
        if b"atlas:sum" in content:
            return b""
        running.update(name + content)
        digest = b64encode(running.digest())
        total.update(name + digest)
        lines.append(name + b" h1:" + digest + b"\n")
    return b"h1:" + b64encode(total.digest()) + b"\n" + b"".join(lines)


def update_checksums() -> None:
    """Accept the migration files as they are: rewrite `atlas.sum`, as a whole.

    Raises:
        MigrateError: it cannot be written, and is as it was.
    """
    text = checksums(read_files())
    if not text:
        run_atlas("migrate", "hash")
        return
    file = project.migrations_dir() / "atlas.sum"
    new = file.with_name("atlas.sum.new")
    try:
        new.write_bytes(text)
        new.replace(file)
    except OSError as error:
        raise MigrateError(
            f"{project.relative(file)} cannot be written: {error}\nIt was not changed."
        ) from None


def version_of(name: str) -> str:
    """The version in a file's name."""
    return re.split(r"[_.]", name, maxsplit=1)[0]
