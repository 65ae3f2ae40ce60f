"""The project's template: which version it is at, and what a later one would change.

cruft does the merging of an update, but reports success over conflicts and losses, too. So both
versions of the template are rendered here as well, which tells every file that differs.
"""

import json
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.git import git
from modelmigrate.isolation import isolated
from modelmigrate.service.link import CRUFT_FILE, is_from_template, missing

# On older Pythons cruft ignores the list of what it must skip.
CRUFT = ("uv", "tool", "run", "--quiet", "--python", ">=3.11", "--from", "cruft==2.16.0", "cruft")
OWN = ("migrations", "uv.lock", ".env")  # the project's, whatever a template does
Content = bytes | None  # None: there is no such file


class TemplateUpdate(NamedTuple):
    """What lies between the project's version of the template and a later one."""

    clone: Path
    ref: str | None
    """The branch or tag that is followed; None: the template's default branch."""
    commit: str
    title: str
    """Both versions, and how many commits are between them."""
    notes: list[str]
    """The sections of UPGRADING.md that are new."""
    questions: dict[str, object]
    """The new ones, with the answers that they get."""
    files: dict[str, tuple[Content, Content]]
    """Those that differ: before, after."""


class Pinned(NamedTuple):
    """The project follows one commit of the template: nothing comes by itself, whatever is newer."""

    commit: str
    branch: str
    """The template's default branch."""
    ahead: int
    """How many commits that branch has which the project's version has not."""
    tag: str | None
    """The newest tag after the commit."""


def run(*command: str | Path, at: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder (the project's, if none is given), with the template's set-up off.

    Raises:
        MigrateError: it is not installed.
    """
    plain = {"PYTHONUTF8": "1", "COLUMNS": "200", "NO_COLOR": "1"}
    try:
        return subprocess.run(
            command,
            cwd=at or project.root(),
            env=isolated(TEMPLATE_SETUP="no", **plain),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise MigrateError(f"{command[0]} is not installed.") from error


def output_of(finished: subprocess.CompletedProcess[str]) -> str:
    """What a program printed, without tracebacks."""
    output = finished.stderr.strip() or finished.stdout.strip()
    return re.sub(r"(?ms)^(Traceback|╭).*^╰[^\n]*\n", "", output)


def read_cruft_state() -> dict[str, Any]:
    """What `.cruft.json` says: the template, its commit, and the answers.

    Raises:
        MigrateError: the file is missing, or no longer what cruft wrote.
    """
    file = project.root() / CRUFT_FILE
    if not file.exists():
        raise MigrateError(missing())
    try:
        state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        # What is read later on: if it is missing, that is a message now and not a traceback then.
        _ = state["template"], state["commit"], dict(state["context"]["cookiecutter"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise MigrateError(
            f"{CRUFT_FILE} cannot be read or was changed by hand: {error!r}\n"
            f"Restore it from git. Its history: git log -- {CRUFT_FILE}"
        ) from error
    return state


def cruft_problem() -> str:
    """Why no later version of the template can be asked for, with what to type, in one line; empty
    when it can, and where a project is from no template. It needs nothing of a third party, and no
    network."""
    if not is_from_template():
        return ""
    try:
        read_cruft_state()
    except MigrateError as error:
        return " ".join(str(error).split())
    return ""


def skipped_paths(state: dict[str, Any]) -> list[str]:
    """What cruft leaves alone.

    Raises:
        MigrateError: .git is not among it.
    """
    try:
        paths: list[str] = [*state.get("skip", []), *project.pyproject()["tool"]["cruft"]["skip"]]
        # Else a template whose hook makes a repository could write into this one.
        paths.index(".git")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise MigrateError(
            f"pyproject.toml: [tool.cruft] skip must name .git: {error!r}"
        ) from error
    return paths


def find_update(folder: Path, to: str | None) -> TemplateUpdate | Pinned | None:
    """Fetch the template into `folder`, and find what an update would bring; None: nothing.

    `to` is a branch, tag or commit; without it, what the project follows.

    Raises:
        MigrateError: the template cannot be fetched or rendered, or has no such version.
    """
    state = read_cruft_state()
    answers, skip = state["context"]["cookiecutter"], skipped_paths(state)
    clone = folder / "clone.git"
    fetched = run("git", "clone", "--quiet", "--bare", "--", str(state["template"]), clone)
    if fetched.returncode:
        reason, moved = (
            output_of(fetched),
            f"If it has moved, write its new address into {CRUFT_FILE}",
        )
        # git itself says what to type where another user owns the template.
        hint = "" if "safe.directory" in reason else f"\n{moved} and commit that."
        raise MigrateError(f"the template {state['template']} cannot be fetched: {reason}{hint}")
    old = resolve(clone, str(state["commit"]))
    checkout = state.get("checkout")
    if checkout and not to and is_commit(clone, checkout) and resolve(clone, checkout) == old:
        return pinned(clone, old)
    ref = to or followed_ref(clone, old, checkout)
    new = resolve(clone, ref or "HEAD")
    if run("git", "diff", "--quiet", old, new, at=clone).returncode == 0:
        return None
    with ThreadPoolExecutor() as pool:
        renders = [pool.submit(render, clone, c, answers, folder / c) for c in (old, new)]
    before, after = (each.result() for each in renders)
    asked = json.loads((after / CRUFT_FILE).read_text(encoding="utf-8"))["context"]["cookiecutter"]
    count = git("-C", str(clone), "rev-list", "--count", f"{old}..{new}").strip()
    old_notes = upgrade_notes(clone, old)
    return TemplateUpdate(
        clone=clone,
        ref=ref,
        commit=new,
        title=f"{version(clone, old)} -> {version(clone, new)}, commits between: {count}",
        notes=[note for note in upgrade_notes(clone, new) if note not in old_notes],
        questions={k: asked[k] for k in asked if k not in answers and not k.startswith("_")},
        files=changed_files(before, after, skip),
    )


def resolve(clone: Path, name: str) -> str:
    """The commit of a branch, tag or commit of the template.

    Raises:
        MigrateError: there is none of that name.
    """
    found = run("git", "rev-parse", "--verify", "--quiet", name + "^{commit}", at=clone)
    if found.returncode:
        update = project.command("template update", to="NAME")
        raise MigrateError(
            f"the template has no {name}, which {CRUFT_FILE} or the command names.\nChoose one of its"
            f" branches or tags: {update}; or correct the commit in {CRUFT_FILE}."
        )
    return found.stdout.strip()


def followed_ref(clone: Path, old: str, checkout: str | None) -> str | None:
    """A branch is followed as it is; a tag stands still, so its newest successor counts."""
    tags = versions_since(clone, old)
    return tags[0] if checkout in tags else checkout


def versions_since(clone: Path, old: str) -> list[str]:
    """The tags of versions that contain a commit, newest first."""
    newest_first = ("-c", "versionsort.suffix=-", "tag", "--sort=-version:refname")
    versions = ("--contains", old, "--list", "v[0-9]*", "[0-9]*")
    return git("-C", str(clone), *newest_first, *versions).splitlines()


def is_commit(clone: Path, checkout: str) -> bool:
    """Whether this names a commit by its hash, and is no branch or tag that looks like one."""
    if not re.fullmatch(r"[0-9a-f]{4,40}", checkout):
        return False
    names = (f"refs/heads/{checkout}", f"refs/tags/{checkout}")
    return not git("-C", str(clone), "for-each-ref", *names)


def pinned(clone: Path, commit: str) -> Pinned:
    """What is newer than the commit that the project follows."""
    branch = git("-C", str(clone), "symbolic-ref", "--short", "HEAD").strip()
    ahead = git("-C", str(clone), "rev-list", "--count", f"{commit}..HEAD").strip()
    newer = (t for t in versions_since(clone, commit) if resolve(clone, t) != commit)
    return Pinned(commit, branch, int(ahead), next(newer, None))


def version(clone: Path, commit: str) -> str:
    """The template's version at a commit, and the commit."""
    found = re.search(r'(?m)^version = "(.+)"', text_of(clone, commit, "pyproject.toml"))
    return f"{found[1] if found else 'unnumbered'} ({commit[:7]})"


def upgrade_notes(clone: Path, commit: str) -> list[str]:
    """The sections of UPGRADING.md at a commit."""
    sections = re.split(r"(?m)^(?=## )", text_of(clone, commit, "UPGRADING.md"))
    return [section.strip() for section in sections[1:]]


def text_of(clone: Path, commit: str, path: str) -> str:
    """A file at a commit; empty where there is none."""
    return run("git", "show", f"{commit}:{path}", at=clone).stdout


def render(clone: Path, commit: str, answers: dict[str, object], into: Path) -> Path:
    """The project as that commit of the template renders it, in a folder within `into`.

    As in cruft's update, answers that are derived from others come from the template.

    Raises:
        MigrateError: the template refuses an answer, or fails.
    """
    given = {key: value for key, value in answers.items() if not key.startswith("_")}
    options = ("--checkout", commit, "--no-input", "--output-dir", into)
    created = run(*CRUFT, "create", clone, *options, "--extra-context", json.dumps(given))
    if created.returncode:
        raise MigrateError(
            f"version {version(clone, commit)} cannot be rendered with this project's answers:\n"
            f"{output_of(created)}\n"
            f"If an answer is to blame, correct it in {CRUFT_FILE} and commit that."
        )
    [rendered] = into.iterdir()
    return rendered


def changed_files(before: Path, after: Path, skip: list[str]) -> dict[str, tuple[Content, Content]]:
    """The files that the template changed, except those that cruft skips."""
    files: dict[str, list[Content]] = {}
    for side, folder in enumerate((before, after)):
        for path in [path for name in (CRUFT_FILE, *OWN, *skip) for path in folder.glob(name)]:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for path in filter(Path.is_file, folder.rglob("*")):
            pair = files.setdefault(path.relative_to(folder).as_posix(), [None, None])
            pair[side] = path.read_bytes()
    return {name: (old, new) for name, (old, new) in sorted(files.items()) if old != new}
