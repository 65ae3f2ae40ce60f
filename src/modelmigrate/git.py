"""Calls of git in the project's repository."""

import subprocess

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.isolation import isolated


def git(*arguments: str, hint: str = "", stdin: str | None = None) -> str:
    """Run git in the project and return what it prints.

    Raises:
        MigrateError: git is missing or failed; its own words, and `hint` as what to do next.
    """
    try:
        finished = subprocess.run(
            ["git", *arguments], cwd=project.root(), env=isolated(), input=stdin,
            capture_output=True, encoding="utf-8", errors="replace", check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise MigrateError("git is not installed. Nothing was changed.") from None
    if finished.returncode:
        reason = finished.stderr.strip() or f"exit code {finished.returncode}"
        message = f"git {arguments[0]} failed: {reason}\nNothing was changed. {hint}"
        raise MigrateError(message.strip())
    return finished.stdout
