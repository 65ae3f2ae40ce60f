"""How a project is tied to a version of its template: `.cruft.json`, and what to type without it.

The hook of a bake runs this from the wheel, by the Python of cookiecutter: an older one than a
project's may do, and nothing of a third party may be imported.
"""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.git import git
from modelmigrate.isolation import isolated

CRUFT_FILE = ".cruft.json"
UNKNOWN = "TEMPLATE"
# The template is only read here, and has run its hooks already: its owner does not matter.
READ_ONLY = ("--no-optional-locks", "-c", "safe.directory=*", "-c", "core.fsmonitor=false")
PIPELINES = {".github/workflows": "github", ".gitlab-ci.yml": "gitlab", ".circleci": "circleci"}
LICENCES = {
    "MIT License": "MIT",
    "Apache License": "Apache-2.0",
    "BSD 3-Clause": "BSD-3-Clause",
    "All rights reserved": "Proprietary",
}


def remember(folder: Path, template: Path | None, answers: Mapping[str, Any]) -> str:
    """Write `.cruft.json` into a new project as `cruft create` would; why not, and what to type, if it
    cannot be; `answers` are those of cookiecutter, with its own `_...` among them."""
    if template is None:
        return f"the template's folder is not found: {command(answers)}"
    if problem := unlinkable(template, answers):
        return problem
    commit, address = read(template, "rev-parse", "HEAD"), address_of(template)
    questions = json.loads((template / "cookiecutter.json").read_text(encoding="utf-8"))
    context = {key: answers[key] for key in questions if key in answers}
    remembered = {
        "template": address,
        "commit": commit,
        "checkout": answers.get("_checkout") or None,
        "context": {"cookiecutter": context | {"_template": address, "_commit": commit}},
        "directory": None,
    }
    text = json.dumps(remembered, indent=2) + "\n"
    try:
        (folder / CRUFT_FILE).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        return f"{CRUFT_FILE} cannot be written ({error}): {command(answers, address)}"
    return ""


def unlinkable(template: Path, answers: Mapping[str, Any]) -> str:
    """Why a project cannot be tied to the template in this folder, and what to type; empty when it
    can be."""
    is_clone = (template / ".git").exists()
    mend = command(answers, str(template) if is_clone else UNKNOWN)
    if not shutil.which("git"):
        return f"git is not installed: install it, then {mend}"
    top = read(template, "rev-parse", "--show-toplevel")
    if not top and is_clone:
        trust = f"git config --global --add safe.directory {shlex.quote(str(template))}"
        return f"git cannot read the template, which may be another user's: {trust}, then {mend}"
    if not top:
        return f"the template is no git clone: {mend}"
    if Path(top).resolve() != template:
        return f"the template is a folder in the git repository {top}: {mend}"
    if not read(template, "rev-parse", "--verify", "HEAD"):
        return f"the template has no commit: make one, then {mend}"
    if read(template, "status", "--porcelain"):
        return f"the template has uncommitted changes: commit them, then {mend}"
    return ""


def command(answers: Mapping[str, Any], template: str = UNKNOWN) -> str:
    """The command that ties a project to its template, typed in the project's folder; without the
    answers it would remember the defaults, and an update merge them."""
    given = {key: value for key, value in answers.items() if not key.startswith("_")}
    words = ["uvx", "cruft", "link", "-y", template]
    words += ["--extra-context", json.dumps(given, ensure_ascii=False)] if given else []
    meaning = " (TEMPLATE: the address of its git repository)" if template == UNKNOWN else ""
    return f"{shlex.join(words)}{meaning}"


def address_of(template: Path) -> str:
    """Where updates come from: the clone's origin if that has this commit, else the clone."""
    url = read(template, "config", "--get", "remote.origin.url")
    published = read(template, "for-each-ref", "--contains", "HEAD", "refs/remotes", "refs/tags")
    if not url or not published:
        return str(template)
    # Pipelines clone with a token in the URL, and `.cruft.json` will be committed.
    return re.sub(r"^(https?://)[^/]*@", r"\1", url)


def is_checked_out(template: Path | None, wanted: str) -> bool:
    """Whether the template stands at `wanted`: cookiecutter ignores `-c` for a folder or a zip."""
    if template is None:
        return False
    commit = read(template, "rev-parse", "HEAD")
    return bool(commit) and commit == read(template, "rev-parse", f"{wanted}^0")


def read(template: Path, *arguments: str) -> str:
    """What git answers about the template; empty when it has no answer, or is not there."""
    if not shutil.which("git"):
        return ""
    finished = subprocess.run(
        ("git", *READ_ONLY, "-C", str(template), *arguments), env=isolated(),
        capture_output=True, encoding="utf-8", errors="replace", check=False,
    )  # fmt: skip
    return finished.stdout.strip() if finished.returncode == 0 else ""


def missing() -> str:
    """What to say of a project without `.cruft.json`, as far as can be known, and what to type."""
    try:
        last = git("log", "-1", "--format=%h", "--diff-filter=AM", "--", CRUFT_FILE).strip()
    except MigrateError:
        last = ""  # no repository, or no commit
    if last:
        return f"{CRUFT_FILE} was deleted. Restore it: git checkout {last} -- {CRUFT_FILE}"
    pipelines = sum((project.root() / name).exists() for name in PIPELINES)
    reason = (
        "the hooks of its bake were not run"
        if pipelines == len(PIPELINES)
        else "the template of its bake was no git clone, or had uncommitted changes"
    )
    return f"there is no {CRUFT_FILE} ({reason}). Tie it to its template: {command(answers_of())}"


def answers_of() -> dict[str, object]:
    """The answers that the project was made from, where its files still tell them."""
    root = project.root()
    try:
        about = project.pyproject().get("project", {})
    except (MigrateError, ImportError):
        about = {}
    author: dict[str, str] = next(iter(about.get("authors", [])), {})
    title = re.match(r"# (.+)", text_of(root / "README.md"))
    licences = [name for words, name in LICENCES.items() if words in text_of(root / "LICENSE")]
    pipelines = [name for path, name in PIPELINES.items() if (root / path).exists()]
    answers = {
        "project_name": title and title[1].strip(),
        "project_slug": about.get("name"),
        "description": about.get("description"),
        "author_name": author.get("name"),
        "author_email": author.get("email"),
        "ci_provider": pipelines[0] if len(pipelines) == 1 else None,
        "kubernetes": (root / "deploy" / "kubernetes").is_dir() and len(pipelines) < len(PIPELINES),
        "license": licences[0] if licences else None,
    }
    return {key: value for key, value in answers.items() if value is not None}


def is_from_template() -> bool:
    """Whether the project says that cruft updates it."""
    return "[tool.cruft]" in text_of(project.root() / "pyproject.toml")


def text_of(file: Path) -> str:
    """What a file holds; empty where there is none."""
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
