"""git, asked about the project's repository."""

import subprocess

from modelmigrate import project
from modelmigrate.errors import MigrateError


def git(*arguments: str, cure: str = "", given: str | None = None) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=project.root(), input=given,
            capture_output=True, encoding="utf-8", errors="replace", check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise MigrateError("git is not installed. Nothing was changed.") from None
    if done.returncode:
        said = f"git {arguments[0]} says: {done.stderr.strip() or 'no'}"
        raise MigrateError(f"{said}\nNothing was changed. {cure}".strip())
    return done.stdout
