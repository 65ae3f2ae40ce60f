"""Where the Atlas binary comes from: `$ATLAS`, PATH, an earlier build, or a build now."""

import functools
import os
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from modelmigrate.atlas.build import ask, build, cached
from modelmigrate.errors import ToolError

# The first line of `atlas version` of every edition: "atlas version v0.38.0-6ab22a4",
# "atlas community version v1.0.0", "atlas unofficial version - development".
_VERSION = re.compile(r"atlas (?:\w+ )?version (?:v(\d+)\.(\d+)|- development)")
_ask = functools.cache(ask)  # called before every use of Atlas


class Atlas(NamedTuple):
    """A binary that works here."""

    path: Path
    version: str
    """The first line of `atlas version`, which names the edition too."""
    source: str
    """`$ATLAS`, `PATH` or `cache`."""


def binary() -> Path:
    """The Atlas binary, built first when there is none (1-2 minutes, once per machine).

    Raises:
        ToolError: `$ATLAS` is unusable, or the build failed.
    """
    atlas = find()
    return atlas.path if atlas else build()


def find() -> Atlas | None:
    """The Atlas binary that `binary` would use, if there is one; never builds.

    An unusable `atlas` on PATH is passed over with a note on stderr.

    Raises:
        ToolError: `$ATLAS` is set and unusable: an explicit wish is never replaced in silence.
    """
    if wish := os.environ.get("ATLAS"):
        try:
            return _examine(shutil.which(str(Path(wish).expanduser())) or wish, "$ATLAS")
        except ToolError as error:
            raise ToolError(
                f"$ATLAS cannot be used: {error}. Nothing was done."
                " Set it to an Atlas binary, or unset it to have one found or built."
            ) from error
    for program, source in (
        (shutil.which("atlas"), "PATH"),
        (shutil.which(str(cached())), "cache"),
    ):
        try:
            if program:
                return _examine(program, source)
        except ToolError as error:
            _note(f"note: {error}; passed over")
    return None


def _examine(program: str, source: str) -> Atlas:
    version = _ask(program)
    found = _VERSION.match(version)
    if not found:
        raise ToolError(f"{program} is no Atlas that runs here ({version})")
    if found[1] and (int(found[1]), int(found[2])) < (0, 15):
        raise ToolError(f"{program} is too old for PostgreSQL 16 and newer ({version})")
    if not found[1] and source == "PATH":
        # `go install` makes these: v0.13, however new its date.
        raise ToolError(f"{program} does not tell its age (set ATLAS to use it all the same)")
    return Atlas(Path(program).absolute(), version, source)


@functools.cache  # once is enough
def _note(text: str) -> None:
    print(text, file=sys.stderr)
