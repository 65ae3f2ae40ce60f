"""Names for new migrations, and writing them: all or nothing."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from modelmigrate import project
from modelmigrate.atlas.directory import (
    TXMODE_NONE,
    VERSION_FORMAT,
    mark_parts,
    require_migrations,
    update_checksums,
)
from modelmigrate.atlas.refused_statements import require_runnable
from modelmigrate.errors import MigrateError
from modelmigrate.sql.names import split_name
from modelmigrate.sql.patterns import INDEX_STATEMENT
from modelmigrate.sql.statements import strip_comments


class ProvenFile(NamedTuple):
    """A migration and its down migration, which lead from one schema to the other and back."""

    text: str
    down: str


def file_name(message: str) -> str:
    """`Add the user's bio` -> `add_the_user_s_bio`: safe in every file system and shell."""
    ascii_only = unicodedata.normalize("NFKD", message).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", ascii_only.lower()).strip("_")
    if not name or len(name) > 100:
        raise MigrateError(
            f"a migration needs a name of 1 to 100 letters and digits, not {message!r}\n"
            f"No file was written. Say what changes: {project.command('create', 'add user bio')}"
        )
    return name


def file_names(name: str, texts: list[str]) -> list[str]:
    """Names for files with these texts, in their order, all newer than every file that is there."""
    newest = max((file.name[:14] for file in project.migrations_dir().glob("*.sql")), default="")
    moment = datetime.now(UTC)
    if newest.isdigit() and newest >= f"{moment:{VERSION_FORMAT}}":
        newest_moment = datetime.strptime(newest, VERSION_FORMAT).replace(tzinfo=UTC)
        moment = newest_moment + timedelta(seconds=1)
    names = []
    for number, text in enumerate(texts):
        index = INDEX_STATEMENT.match(strip_comments(text).replace(" CONCURRENTLY", ""))
        own_name = index and len(texts) > 1 and text.startswith(TXMODE_NONE)
        stem = f"{name}_{file_name(split_name(index['name'])[1])}" if index and own_name else name
        names.append(f"{moment + timedelta(seconds=number):{VERSION_FORMAT}}_{stem}.sql")
    return names


def accept_files() -> None:
    """Accept the migration files as they are.

    Raises:
        MigrateError: there are none, or one has a statement that is refused; `atlas.sum` stays then.
    """
    require_migrations()
    require_runnable()
    update_checksums()


def write_migrations(name: str, parts: list[ProvenFile]) -> list[Path]:
    """Write migrations of this name, their down migrations and `atlas.sum`; all or none."""
    sum_file = project.migrations_dir() / "atlas.sum"
    sum_before = sum_file.read_bytes() if sum_file.exists() else None
    project.down_dir().mkdir(parents=True, exist_ok=True)
    texts, downs = [each.text for each in parts], [each.down for each in parts]
    names = file_names(name, texts)
    files = [project.migrations_dir() / each for each in names]
    down_files = [project.down_dir() / each for each in names]
    try:
        all_texts = [*mark_parts(texts), *downs]
        for file, text in zip([*files, *down_files], all_texts, strict=True):
            file.write_text(text, encoding="utf-8", newline="\n")
        update_checksums()
    except BaseException:
        for file in (*files, *down_files):
            file.unlink(missing_ok=True)
        if sum_before is None:
            sum_file.unlink(missing_ok=True)
        else:
            sum_file.write_bytes(sum_before)
        raise
    return files
