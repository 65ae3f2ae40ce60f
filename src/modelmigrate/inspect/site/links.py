"""Where each thing has its place in the site: names of files and of anchors that any system takes."""

import functools
import hashlib
import re

from modelmigrate.atlas.directory import Migration
from modelmigrate.sql.names import split_name, unquote

LONGEST = 80


def slug(text: str) -> str:
    """Letters, digits, `_`, `.` and `-`; other texts get others, where case does not count, too."""
    plain = re.sub(r"[^a-z0-9_.-]", "-", text.lower())[:LONGEST]
    if plain == text:
        return plain
    return f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


@functools.cache
def relation_page(qualified: str) -> str:
    """The page of a table or a view, which is named as SQL names it."""
    # Begun with a schema, no name is one that Windows keeps for itself, such as `con`.
    schema, name = map(unquote, split_name(qualified))
    return f"tables/{slug(f'{schema}.{name}')}.html"


def migration_page(migration: Migration) -> str:
    """The page of a migration."""
    return f"migrations/{slug(migration.name.removesuffix('.sql'))}.html"


def anchor(kind: str, name: str) -> str:
    """The place of a part of a page."""
    return f"{kind}-{slug(name)}"
