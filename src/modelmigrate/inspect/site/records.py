"""What is known of each migration, kept from one build to the next: a file that follows the same files says
the same, so only what is new has to be run."""

import hashlib
import json
import secrets
from contextlib import suppress
from importlib.metadata import version

from modelmigrate import project
from modelmigrate.atlas.directory import Migration, by_create
from modelmigrate.inspect.site.events import Event
from modelmigrate.inspect.site.history import Record, observe_migrations

FORMAT = "1"  # to be raised when records are written or made otherwise


def read_records(migrations: list[Migration]) -> list[Record]:
    """A record of each migration.

    Raises:
        MigrateError: one of them cannot be applied.
    """
    kept = _load()
    keys = [_key(each) for each in migrations]
    records: list[Record] = []
    for group in by_create(migrations):  # which are linted as one deployment
        own = keys[len(records) : len(records) + len(group)]
        if any(key not in kept for key in own):
            break
        records += [kept[key] for key in own]
    if len(records) < len(migrations):
        try:
            for record in observe_migrations(migrations, len(records)):
                records.append(record)
        finally:
            _save(dict(zip(keys, records, strict=False)))
    return records


def _key(migration: Migration) -> str:
    """Of all that a record depends on: the hash of a file covers those before it."""
    parts = [FORMAT, version("modelmigrate"), migration.hash, repr(project.settings().lint)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _load() -> dict[str, Record]:
    try:
        found = json.loads(project.records_file().read_text(encoding="utf-8"))
        return {
            key: Record([Event(*event) for event in events], findings)
            for key, (events, findings) in found.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):  # none yet, or not of ours
        return {}


def _save(records: dict[str, Record]) -> None:
    """Keep them, if that can be done: without, the next build takes longer."""
    file = project.records_file()
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        temporary = file.with_name(f".{secrets.token_hex(8)}")
        temporary.write_text(json.dumps(records), encoding="utf-8")
        temporary.replace(file)
