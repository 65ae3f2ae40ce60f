"""Later versions of the template: `make template-check` and `make template-update`.

cruft does the merging, but says "Good work" over conflicts and losses, too. So both versions of the
template are rendered here as well, and what became of every file that differs is told.
Needs Python, git and uv. Exit codes: 0 all is well, 1 error, 2 a person must look, 3 refused.
"""

import json
import os
import re
import shutil
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from modelmigrate import project as project_
from modelmigrate.errors import MigrateError

CRUFT_FILE = ".cruft.json"
# On older Pythons cruft ignores the list of what it must skip.
CRUFT = ("uv", "tool", "run", "--quiet", "--python", ">=3.11", "--from", "cruft==2.16.0", "cruft")
OWN = ("migrations", "uv.lock", ".env")  # the project's, whatever a template does
Content = bytes | None  # None: there is no such file


class TemplateUpdate(NamedTuple):
    """What lies between the project's version of the template and the one to come."""

    clone: Path
    ref: str | None  # the branch or tag that is followed; None: the template's default branch
    commit: str
    title: str
    notes: list[str]  # the sections of UPGRADING.md that are new
    questions: dict[str, object]  # the new ones, with the answers that they get
    files: dict[str, tuple[Content, Content]]  # those that differ: before, after


def run(*command: str | Path, at: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program with the template's side effects off, and keep what it says."""
    # The project's own settings are none of the template's business.
    environment = {key: value for key, value in os.environ.items() if key != "UV_ENV_FILE"}
    environment |= {"TEMPLATE_SETUP": "no", "PYTHONUTF8": "1", "COLUMNS": "200", "NO_COLOR": "1"}
    kept: dict[str, Any] = {"capture_output": True, "encoding": "utf-8", "errors": "replace"}
    try:
        return subprocess.run(
            command, cwd=at or project_.root(), env=environment, check=False, **kept
        )
    except FileNotFoundError as error:
        raise MigrateError(f"{command[0]} is not installed.") from error


def words(finished: subprocess.CompletedProcess[str]) -> str:
    """What a program said, without tracebacks."""
    said = finished.stderr.strip() or finished.stdout.strip()
    return re.sub(r"(?ms)^(Traceback|╭).*^╰[^\n]*\n", "", said)


def git(*arguments: str, at: Path | None = None) -> str:
    finished = run("git", *arguments, at=at)
    if finished.returncode:
        raise MigrateError(f"git {arguments[0]} says: {words(finished)}")
    return finished.stdout.rstrip()


def paths(listing: str) -> set[str]:
    return set(filter(None, listing.split("\0")))


def read_cruft_state() -> dict[str, Any]:
    """What the project remembers of its template.

    Raises:
        MigrateError: the file is missing, or no longer what cruft wrote.
    """
    try:
        state: dict[str, Any] = json.loads(
            (project_.root() / CRUFT_FILE).read_text(encoding="utf-8")
        )
        # What is read later on: missed here, it is a message and not a traceback.
        _ = state["template"], state["commit"], dict(state["context"]["cookiecutter"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise MigrateError(
            f"{CRUFT_FILE} is missing or was changed by hand: {error!r}\n"
            f"Bring it back as git has it. Its history: git log -- {CRUFT_FILE}"
        ) from error
    return state


def skipped(state: dict[str, Any]) -> list[str]:
    """What cruft is told to leave alone."""
    try:
        settings = tomllib.loads((project_.root() / "pyproject.toml").read_text(encoding="utf-8"))
        skip: list[str] = [*state.get("skip", []), *settings["tool"]["cruft"]["skip"]]
        # Else a template whose hook makes a repository could write into this one.
        skip.index(".git")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise MigrateError(
            f"pyproject.toml: [tool.cruft] skip must name .git: {error!r}"
        ) from error
    return skip


def find_update(folder: Path, to: str | None) -> TemplateUpdate | None:
    """Fetch the template into `folder` and find what is to be taken in; None: nothing is."""
    state = read_cruft_state()
    answers, skip = state["context"]["cookiecutter"], skipped(state)
    clone = folder / "clone.git"
    fetched = run("git", "clone", "--quiet", "--bare", "--", str(state["template"]), clone)
    if fetched.returncode:
        raise MigrateError(
            f"the template {state['template']} cannot be fetched: {words(fetched)}\n"
            f"If it has moved, write its new address into {CRUFT_FILE} and commit that."
        )
    old = resolve(clone, str(state["commit"]))
    ref = to or followed(clone, old, state.get("checkout"))
    commit = resolve(clone, ref or "HEAD")
    if run("git", "diff", "--quiet", old, commit, at=clone).returncode == 0:
        return None
    with ThreadPoolExecutor() as pool:
        renders = [pool.submit(render, clone, c, answers, folder / c) for c in (old, commit)]
    before, after = (each.result() for each in renders)
    asked = json.loads((after / CRUFT_FILE).read_text(encoding="utf-8"))["context"]["cookiecutter"]
    count = git("rev-list", "--count", f"{old}..{commit}", at=clone)
    return TemplateUpdate(
        clone,
        ref,
        commit,
        f"{version(clone, old)} -> {version(clone, commit)}, commits between: {count}",
        [note for note in notes(clone, commit) if note not in notes(clone, old)],
        {key: asked[key] for key in asked if key not in answers and not key.startswith("_")},
        differing(before, after, skip),
    )


def resolve(clone: Path, name: str) -> str:
    """The commit of a branch, tag or commit of the template."""
    found = run("git", "rev-parse", "--verify", "--quiet", name + "^{commit}", at=clone)
    if found.returncode:
        raise MigrateError(
            f"the template has no {name}, which {CRUFT_FILE} or `to=` names.\nChoose one of its"
            f" branches or tags: make template-update to=NAME; a commit: mend {CRUFT_FILE}"
        )
    return found.stdout.strip()


def followed(clone: Path, old: str, checkout: str | None) -> str | None:
    """A branch is followed as it is; a tag stands still, so its newest successor counts."""
    newest = ("-c", "versionsort.suffix=-", "tag", "--sort=-version:refname", "--contains", old)
    tags = git(*newest, "--list", "v[0-9]*", "[0-9]*", at=clone).splitlines()
    return tags[0] if checkout in tags else checkout


def version(clone: Path, commit: str) -> str:
    found = re.search(r'(?m)^version = "(.+)"', text(clone, commit, "pyproject.toml"))
    return f"{found[1] if found else 'unnumbered'} ({commit[:7]})"


def notes(clone: Path, commit: str) -> list[str]:
    sections = re.split(r"(?m)^(?=## )", text(clone, commit, "UPGRADING.md"))
    return [section.strip() for section in sections[1:]]


def text(clone: Path, commit: str, path: str) -> str:
    return run("git", "show", f"{commit}:{path}", at=clone).stdout


def render(clone: Path, commit: str, answers: dict[str, object], into: Path) -> Path:
    """Make the project anew, as cruft's update does: derived answers come from the template."""
    given = {key: value for key, value in answers.items() if not key.startswith("_")}
    options = ("--checkout", commit, "--no-input", "--output-dir", into)
    made = run(*CRUFT, "create", clone, *options, "--extra-context", json.dumps(given))
    if made.returncode:
        raise MigrateError(
            f"version {version(clone, commit)} cannot be made with this project's answers:\n"
            f"{words(made)}\nIf an answer is to blame, correct it in {CRUFT_FILE} and commit that."
        )
    [project] = into.iterdir()
    return project


def differing(before: Path, after: Path, skip: list[str]) -> dict[str, tuple[Content, Content]]:
    """The files that the template changed, but for those that cruft skips."""
    files: dict[str, list[Content]] = {}
    for side, folder in enumerate((before, after)):
        for path in [path for name in (CRUFT_FILE, *OWN, *skip) for path in folder.glob(name)]:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for path in filter(Path.is_file, folder.rglob("*")):
            pair = files.setdefault(path.relative_to(folder).as_posix(), [None, None])
            pair[side] = path.read_bytes()
    return {name: (old, new) for name, (old, new) in sorted(files.items()) if old != new}


def indented(lines: list[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
