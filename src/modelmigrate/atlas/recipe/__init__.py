"""The recipe that Atlas is built by: a released CLI, a newer engine, and the edits that join them."""

import hashlib
import re
import tomllib
from importlib.resources import files
from typing import Any

# As text, so that a checkout with other line ends gives the same hash.
FILES = {
    name: files(__name__).joinpath(name).read_text(encoding="utf-8")
    for name in ("recipe.toml", "go.mod", "go.sum")
}
CLI: dict[str, Any] = tomllib.loads(FILES["recipe.toml"])
ENGINE, OLDEST_GO = (
    re.findall(pattern, FILES["go.mod"], re.MULTILINE)[0]
    for pattern in (r"^\tariga\.io/atlas (\S+)", r"^go (\S+)")
)
STAMP = f"{ENGINE}-r{hashlib.sha256(''.join(FILES.values()).encode()).hexdigest()[:12]}"
"""The version that the binary reports: that of its engine, and the hash of the recipe."""
