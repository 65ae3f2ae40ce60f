"""Atlas at work on this project: every call of the binary goes through `atlas()`."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools.atlas import binary
from tools.errors import Exit, ToolError
from tools.schema.postgres import scratch_database
from tools.schema.server import PROJECT

MIGRATIONS = PROJECT / "migrations"
# Spelt in two halves: no template engine may mistake Atlas's own braces for its own.
INDENTED_SQL = "{" + '{ sql . "  " }' + "}"

# What Atlas says -> our exit code, and what to type next.
FAILURES = (
    (
        "checksum",
        Exit.HISTORY_BROKEN,
        "A migration was edited, added or removed by hand. Undo that, or, if it was meant and the"
        " file was never applied anywhere: make migrate-hash",
    ),
    (
        "out of order",
        Exit.HISTORY_BROKEN,
        "Rename the late file to a newer version, then: make migrate-hash",
    ),
    ("acquiring database lock", Exit.BUSY, "Another migration is running. Try again when it ends."),
)


def atlas(*arguments: str, **environment: str) -> str:
    """Run Atlas in the project and return what it printed.

    Raises:
        ToolError: Atlas is missing or failed; its own words, without any password.
    """
    finished = subprocess.run(
        [binary(), *arguments],
        cwd=PROJECT,
        env=os.environ | {"ATLAS_NO_UPDATE_NOTIFIER": "1"} | environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode == 0:
        return finished.stdout.strip()
    said = without_passwords((finished.stderr or finished.stdout).strip(), environment)
    for text, code, advice in FAILURES:
        if text in said:
            raise ToolError(f"{said}\n{advice}", code)
    raise ToolError(said)


def without_passwords(text: str, environment: dict[str, str]) -> str:
    """The text with the password of every URL in the environment given replaced."""
    for url in environment.values():
        if password := urlsplit(url).password:
            for spelling in (password, unquote(password)):
                text = text.replace(spelling, "****")
    return text


def migrate(url: str) -> str:
    """Apply the pending migrations to the database at `url`; return Atlas's report."""
    require_migrations()
    return atlas("migrate", "apply", "--env", "local", DATABASE_URL=url)


def status(url: str) -> str:
    """Tell which migrations the database at `url` has and which are pending."""
    require_migrations()
    return atlas("migrate", "status", "--env", "local", DATABASE_URL=url)


def inspect(url: str) -> str:
    """The live schema at `url` as SQL."""
    arguments = ("--env", "local", "--schema", "public", "--format", INDENTED_SQL)
    return atlas("schema", "inspect", *arguments, DATABASE_URL=url)


def validate() -> None:
    """Check the files against atlas.sum, then replay all of them on an empty database."""
    require_migrations()
    with scratch_database() as url:
        atlas("migrate", "validate", "--env", "local", ATLAS_DEV_URL=in_public(url))


def rehash() -> None:
    """Accept the migration files as they are: write atlas.sum anew."""
    require_migrations()
    atlas("migrate", "hash", "--env", "local")


def require_migrations() -> None:
    if not any(MIGRATIONS.glob("*.sql")):
        raise ToolError("there is no migration yet. Make it: make migrate-create m=initial")


def plan() -> str:
    """The SQL that would bring the migrations up to the models; empty when they agree."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "migrations"
        if MIGRATIONS.exists():
            shutil.copytree(MIGRATIONS, directory)
        created = diff("plan", directory)
        return created.read_text(encoding="utf-8") if created else ""


def create(message: str) -> Path | None:
    """Write the migration that brings the database up to the models; None when they agree.

    Raises:
        ToolError: the message gives no file name, the models cannot be loaded, or Atlas failed.
            Nothing is written then.
    """
    return diff(file_name(message), MIGRATIONS)


def diff(name: str, directory: Path) -> Path | None:
    before = set(directory.glob("*.sql"))
    with models_url() as models, scratch_database() as dev:
        atlas(
            "migrate", "diff", name, "--env", "local",
            "--dir", file_url(directory), "--format", INDENTED_SQL,
            ATLAS_MODELS_URL=models, ATLAS_DEV_URL=in_public(dev),
        )  # fmt: skip
    return next(iter(set(directory.glob("*.sql")) - before), None)


@contextmanager
def models_url() -> Iterator[str]:
    """A file with the schema that the models declare, for as long as Atlas needs it."""
    with tempfile.TemporaryDirectory() as folder:
        schema = Path(folder) / "schema.sql"
        schema.write_text(models_ddl(), encoding="utf-8")
        yield file_url(schema)


def models_ddl() -> str:
    """The schema that the models declare, as load_models.py prints it."""
    finished = subprocess.run(
        [sys.executable, PROJECT / "load_models.py"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode:
        raise ToolError(f"the models cannot be read\n{finished.stderr.strip()}")
    return finished.stdout


def file_name(message: str) -> str:
    """`Add the user's bio` -> `add_the_user_s_bio`: safe in every file system and shell."""
    ascii_only = unicodedata.normalize("NFKD", message).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", ascii_only.lower()).strip("_")
    if not name or len(name) > 100:
        raise ToolError(
            f"a migration needs a name of 1 to 100 letters and digits, not {message!r}\n"
            'Nothing was written. Say what changes: make migrate-create m="add user bio"'
        )
    return name


def file_url(path: Path) -> str:
    return f"file://{path.as_posix()}"


def in_public(url: str) -> str:
    """Tell Atlas to compare the schema `public` alone, so that names stay unqualified."""
    return f"{url}{'&' if '?' in url else '?'}search_path=public"
