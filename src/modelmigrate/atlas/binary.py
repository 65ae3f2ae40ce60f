"""Which Atlas binary is used: that of `$ATLAS`, of PATH, of an earlier build, or of a build now."""

import functools
import os
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import NamedTuple

from modelmigrate.atlas.build import build_atlas, cached_binary, reported_version
from modelmigrate.errors import MigrateError
from modelmigrate.terminal import note

# The first line of `atlas version` of every edition: "atlas version v0.38.0-6ab22a4",
# "atlas community version v1.0.0", "atlas unofficial version - development".
_VERSION = re.compile(r"atlas (?:\w+ )?version (?:v(\d+)\.(\d+)|- development)")
_version_of = functools.cache(reported_version)  # it is asked before every call of Atlas


class Atlas(NamedTuple):
    """A binary that runs on this machine."""

    path: Path
    version: str
    """The first line of `atlas version`, which names the edition as well."""
    source: str
    """`$ATLAS`, `PATH` or `cache`."""


def atlas_binary() -> Path:
    """The Atlas binary, built first when there is none (less than a minute, once per machine).

    Raises:
        MigrateError: `$ATLAS` cannot be used, or the build failed.
    """
    atlas = find_atlas()
    return atlas.path if atlas else build_atlas()


def find_atlas() -> Atlas | None:
    """The Atlas binary that `atlas_binary` would use, if there is one; never builds.

    An `atlas` on PATH that cannot be used is ignored, with a note on stderr.

    Raises:
        MigrateError: `$ATLAS` cannot be used: what is configured is never replaced silently.
    """
    if configured := os.environ.get("ATLAS"):
        path = shutil.which(str(Path(configured).expanduser())) or configured
        try:
            return _examine(path, "$ATLAS")
        except MigrateError as error:
            raise MigrateError(
                f"$ATLAS cannot be used: {error}. Nothing was changed."
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
            _note_once(f"note: {error}. It is ignored.")
    return None


def _examine(program: str, source: str) -> Atlas:
    """The Atlas at this path, if it is one that can be used here."""
    version = _version_of(program)
    found = _VERSION.match(version)
    if not found:
        raise MigrateError(f"{program} is not an Atlas that runs here ({version})")
    if found[1] and (int(found[1]), int(found[2])) < (0, 15):
        raise MigrateError(f"{program} is too old for PostgreSQL 16 and newer ({version})")
    if not found[1] and source == "PATH":
        # `go install` builds these: of v0.13, however new their date.
        raise MigrateError(f"{program} reports no version number (set ATLAS to use it anyway)")
    return Atlas(Path(program).absolute(), version, source)


@functools.cache  # once for each text
def _note_once(text: str) -> None:
    note(text)


def main() -> None:
    """Have Atlas built beside something else, whose end may be the end of this, too. Nothing is told
    of a build that failed: who needs Atlas tries again."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        atlas_binary()
    except (KeyboardInterrupt, MigrateError):
        os.ftruncate(sys.stderr.fileno(), 0)


if __name__ == "__main__":
    main()
