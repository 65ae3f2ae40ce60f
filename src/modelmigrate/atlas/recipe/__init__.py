"""The recipe that Atlas is built by: a released CLI, a newer engine, and the edits that join them."""

import hashlib
import re
import tomllib
from importlib.resources import files
from typing import Any

# As text, so that a checkout with other line ends gives the same hash.
_RECIPE = files(__name__).joinpath("recipe.toml").read_text(encoding="utf-8")
CLI: dict[str, Any] = tomllib.loads(_RECIPE)
FILES = {name: files(__name__).joinpath(name).read_text(encoding="utf-8") for name in CLI["files"]}
ENGINE, OLDEST_GO = (
    re.findall(pattern, FILES["go.mod"], re.MULTILINE)[0]
    for pattern in (r"^\tariga\.io/atlas (\S+)", r"^go (\S+)")
)
STAMP = f"{ENGINE}-r{hashlib.sha256(''.join([_RECIPE, *FILES.values()]).encode()).hexdigest()[:12]}"
"""The version that the binary reports: that of its engine, and the hash of the recipe."""
