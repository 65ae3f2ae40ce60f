"""Where the Atlas binary comes from: `$ATLAS`, PATH, an earlier build, or a build now."""

import functools
import os
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from modelmigrate.atlas.build import build_atlas, cached_binary, reported_version
from modelmigrate.errors import MigrateError

# The first line of `atlas version` of every edition: "atlas version v0.38.0-6ab22a4",
# "atlas community version v1.0.0", "atlas unofficial version - development".
_VERSION = re.compile(r"atlas (?:\w+ )?version (?:v(\d+)\.(\d+)|- development)")
_version_of = functools.cache(reported_version)  # called before every use of Atlas


class Atlas(NamedTuple):
    """A binary that works here."""

    path: Path
    version: str
    """The first line of `atlas version`, which names the edition too."""
    source: str
    """`$ATLAS`, `PATH` or `cache`."""


def atlas_binary() -> Path:
    """The Atlas binary, built first when there is none (1-2 minutes, once per machine).

    Raises:
        MigrateError: `$ATLAS` is unusable, or the build failed.
    """
    atlas = find_atlas()
    return atlas.path if atlas else build_atlas()


def find_atlas() -> Atlas | None:
    """The Atlas binary that `binary` would use, if there is one; never builds.

    An unusable `atlas` on PATH is passed over with a note on stderr.

    Raises:
        MigrateError: `$ATLAS` is set and unusable: an explicit wish is never replaced in silence.
    """
    if wish := os.environ.get("ATLAS"):
        try:
            return _examine(shutil.which(str(Path(wish).expanduser())) or wish, "$ATLAS")
        except MigrateError as error:
            raise MigrateError(
                f"$ATLAS cannot be used: {error}. Nothing was done."
                " Set it to an Atlas binary, or unset it to have one found or built."
            ) from error
    for program, source in (
        (shutil.which("atlas"), "PATH"),
        (shutil.which(str(cached_binary())), "cache"),
    ):
        try:
            if program:
                return _examine(program, source)
        except MigrateError as error:
            _note_once(f"note: {error}; passed over")
    return None


def _examine(program: str, source: str) -> Atlas:
    version = _version_of(program)
    found = _VERSION.match(version)
    if not found:
        raise MigrateError(f"{program} is no Atlas that runs here ({version})")
    if found[1] and (int(found[1]), int(found[2])) < (0, 15):
        raise MigrateError(f"{program} is too old for PostgreSQL 16 and newer ({version})")
    if not found[1] and source == "PATH":
        # `go install` makes these: v0.13, however new its date.
        raise MigrateError(f"{program} does not tell its age (set ATLAS to use it all the same)")
    return Atlas(Path(program).absolute(), version, source)


@functools.cache  # once is enough
def _note_once(text: str) -> None:
    print(text, file=sys.stderr)
