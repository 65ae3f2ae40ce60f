"""Later versions of the template: `make template-check` and `make template-update`.

cruft does the merging, but says "Good work" over conflicts and losses, too. So both versions of the
template are rendered here as well, and what became of every file that differs is told.
Needs Python, git and uv. Exit codes: 0 all is well, 1 error, 2 a person must look, 3 refused.
"""

import argparse
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tools.errors import Exit, ToolError

PROJECT = Path(__file__).resolve().parents[1]
MEMORY = ".cruft.json"
# On older Pythons cruft ignores the list of what it must skip.
CRUFT = ("uv", "tool", "run", "--quiet", "--python", ">=3.11", "--from", "cruft==2.16.0", "cruft")
OWN = ("migrations", "uv.lock", ".env")  # the project's, whatever a template does
SCHEMA = ("src/domain/models/", "src/infrastructure/persistence/sql/", "load_models.py")
UNDO = "git restore --staged --worktree . && git clean -fdq ."
UNDO_REJECTS = f'{UNDO} && git clean -fqx -- "*.rej"'

TAKEN, MERGED = "taken in", "merged with yours"
CONFLICT = "in CONFLICT: both versions are in the file, between <<<<<<< and >>>>>>>"
REJECTED = "REJECTED: what did not fit lies beside the file, as *.rej"
DROPPED = "DROPPED: not taken in; this is the only time that you see it"
VERDICTS = (TAKEN, MERGED, CONFLICT, REJECTED, DROPPED)

Content = bytes | None  # None: there is no such file


class Move(NamedTuple):
    """What lies between the project's version of the template and the one to come."""

    clone: Path
    ref: str | None  # the branch or tag that is followed; None: the template's default branch
    commit: str
    title: str
    notes: list[str]  # the sections of UPGRADING.md that are new
    questions: dict[str, object]  # the new ones, with the answers that they get
    files: dict[str, tuple[Content, Content]]  # those that differ: before, after


def run(*command: str | Path, at: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    """Run a program with the template's side effects off, and keep what it says."""
    # The project's own settings are none of the template's business.
    environment = {key: value for key, value in os.environ.items() if key != "UV_ENV_FILE"}
    environment |= {"TEMPLATE_SETUP": "no", "PYTHONUTF8": "1", "COLUMNS": "200", "NO_COLOR": "1"}
    kept: dict[str, Any] = {"capture_output": True, "encoding": "utf-8", "errors": "replace"}
    try:
        return subprocess.run(command, cwd=at, env=environment, check=False, **kept)
    except FileNotFoundError as error:
        raise ToolError(f"{command[0]} is not installed.") from error


def words(finished: subprocess.CompletedProcess[str]) -> str:
    """What a program said, without tracebacks."""
    said = finished.stderr.strip() or finished.stdout.strip()
    return re.sub(r"(?ms)^(Traceback|╭).*^╰[^\n]*\n", "", said)


def git(*arguments: str, at: Path = PROJECT) -> str:
    finished = run("git", *arguments, at=at)
    if finished.returncode:
        raise ToolError(f"git {arguments[0]} says: {words(finished)}")
    return finished.stdout.rstrip()


def unmerged() -> set[str]:
    return paths(git("diff", "--name-only", "--relative", "--diff-filter=U", "-z"))


def rejects() -> set[str]:
    return paths(git("ls-files", "-z", "--cached", "--others", "--", "*.rej"))


def paths(listing: str) -> set[str]:
    return set(filter(None, listing.split("\0")))


def memory() -> dict[str, Any]:
    """What the project remembers of its template.

    Raises:
        ToolError: the file is missing, or no longer what cruft wrote.
    """
    try:
        state: dict[str, Any] = json.loads((PROJECT / MEMORY).read_text(encoding="utf-8"))
        # What is read later on: missed here, it is a message and not a traceback.
        _ = state["template"], state["commit"], dict(state["context"]["cookiecutter"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ToolError(
            f"{MEMORY} is missing or was changed by hand: {error!r}\n"
            f"Bring it back as git has it. Its history: git log -- {MEMORY}"
        ) from error
    return state


def skipped(state: dict[str, Any]) -> list[str]:
    """What cruft is told to leave alone."""
    try:
        settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
        skip: list[str] = [*state.get("skip", []), *settings["tool"]["cruft"]["skip"]]
        # Else a template whose hook makes a repository could write into this one.
        skip.index(".git")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ToolError(f"pyproject.toml: [tool.cruft] skip must name .git: {error!r}") from error
    return skip


def next_move(folder: Path, to: str | None) -> Move | None:
    """Fetch the template into `folder` and find what is to be taken in; None: nothing is."""
    state = memory()
    answers, skip = state["context"]["cookiecutter"], skipped(state)
    clone = folder / "clone.git"
    fetched = run("git", "clone", "--quiet", "--bare", "--", str(state["template"]), clone)
    if fetched.returncode:
        raise ToolError(
            f"the template {state['template']} cannot be fetched: {words(fetched)}\n"
            f"If it has moved, write its new address into {MEMORY} and commit that."
        )
    old = resolve(clone, str(state["commit"]))
    ref = to or followed(clone, old, state.get("checkout"))
    commit = resolve(clone, ref or "HEAD")
    if run("git", "diff", "--quiet", old, commit, at=clone).returncode == 0:
        return None
    with ThreadPoolExecutor() as pool:
        renders = [pool.submit(render, clone, c, answers, folder / c) for c in (old, commit)]
    before, after = (each.result() for each in renders)
    asked = json.loads((after / MEMORY).read_text(encoding="utf-8"))["context"]["cookiecutter"]
    count = git("rev-list", "--count", f"{old}..{commit}", at=clone)
    return Move(
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
        raise ToolError(
            f"the template has no {name}, which {MEMORY} or `to=` names.\nChoose one of its"
            f" branches or tags: make template-update to=NAME; a commit: mend {MEMORY}"
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
        raise ToolError(
            f"version {version(clone, commit)} cannot be made with this project's answers:\n"
            f"{words(made)}\nIf an answer is to blame, correct it in {MEMORY} and commit that."
        )
    [project] = into.iterdir()
    return project


def differing(before: Path, after: Path, skip: list[str]) -> dict[str, tuple[Content, Content]]:
    """The files that the template changed, but for those that cruft skips."""
    files: dict[str, list[Content]] = {}
    for side, folder in enumerate((before, after)):
        for path in [path for name in (MEMORY, *OWN, *skip) for path in folder.glob(name)]:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for path in filter(Path.is_file, folder.rglob("*")):
            pair = files.setdefault(path.relative_to(folder).as_posix(), [None, None])
            pair[side] = path.read_bytes()
    return {name: (old, new) for name, (old, new) in sorted(files.items()) if old != new}


def refuse_unless_undoable() -> None:
    """An update starts only where git can merge it and one command can undo it (else code 3)."""
    if run("git", "ls-files", "--error-unmatch", MEMORY).returncode:
        raise ToolError(f"{MEMORY} is not in git. Commit the project first.", Exit.REFUSED)
    markers = ("-e", "^<<<<<<< ", "-e", "^=======$", "-e", "^>>>>>>> ")
    marked = paths(run("git", "grep", "-lzI", "--all-match", *markers).stdout)
    if unfinished := unmerged() | rejects() | marked:
        raise ToolError(
            f"an earlier update or merge is not finished:\n{indented(sorted(unfinished))}\nSettle"
            " these files (a *.rej: take it in by hand, delete it) and commit. Or undo it all:\n"
            f"  {UNDO_REJECTS}",
            Exit.REFUSED,
        )
    # In the whole repository: cruft asks no less.
    if dirty := git("status", "--porcelain", "--untracked-files=all"):
        raise ToolError(
            f"git has changes that are not committed:\n{indented(dirty.splitlines())}\n"
            "Commit them, or put them aside: git stash --include-untracked",
            Exit.REFUSED,
        )
    if git("rev-parse", "--is-shallow-repository") == "true":
        fetched = run("git", "fetch", "--quiet", "--unshallow")
        if fetched.returncode:
            why = "this shallow clone lacks what merging needs, and cannot be deepened by: "
            raise ToolError(f"{why}git fetch --unshallow\n{words(fetched)}", Exit.REFUSED)


def merge(move: Move) -> dict[str, list[str]]:
    """Let cruft merge; return the files by verdict.

    Raises:
        ToolError: cruft failed or lost the whole update; all is as it was before.
    """
    mine = {path: content(path) for path in move.files}
    checkout = ("--checkout", move.ref) if move.ref else ()
    cruft = run(*CRUFT, "update", "--skip-apply-ask", "--template-path", move.clone, *checkout)
    restore(*OWN)
    conflicts, rejected = unmerged(), {path.removesuffix(".rej") for path in rejects()}
    files: dict[str, list[str]] = {verdict: [] for verdict in VERDICTS}
    for path in sorted({*move.files, *conflicts, *rejected}):
        if path in conflicts:
            files[CONFLICT].append(path)
        elif path in rejected:
            files[REJECTED].append(path)
        else:
            files[fate(*move.files[path], mine[path], content(path))].append(path)
    nothing = files[DROPPED] and not any(files[verdict] for verdict in VERDICTS[:-1])
    lost = nothing and any(mine[path] == move.files[path][0] for path in files[DROPPED])
    if cruft.returncode or lost or memory()["commit"] != move.commit:
        restore(".")
        git("clean", "-fqx", "--", "*.rej")
        raise ToolError(f"cruft took nothing in, and was undone. It says:\n{words(cruft)}")
    return {verdict: files[verdict] for verdict in VERDICTS if files[verdict]}


def restore(*names: str) -> None:
    for name in names:
        if git("ls-files", name):
            git("restore", "--staged", "--worktree", name)
        git("clean", "-fdq", name)


def content(path: str) -> Content:
    file = PROJECT / path
    return file.read_bytes() if file.is_file() else None


def fate(old: Content, new: Content, mine: Content, now: Content) -> str:
    """What became of a file: the template's two versions, mine, and mine after the update."""
    if now == new:
        return TAKEN
    return MERGED if now != mine or holds(mine, old, new) else DROPPED


def holds(mine: Content, old: Content, new: Content) -> bool:
    """Whether my version had the template's change before the template."""
    if mine is None or old is None or new is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        for name, version in (("mine", mine), ("old", old), ("new", new)):
            (Path(folder) / name).write_bytes(version)
        merged = run("git", "merge-file", "-p", "mine", "old", "new", at=Path(folder))
    return merged.returncode == 0 and merged.stdout.encode() == mine


def lost_change(path: str, old: Content, new: Content) -> str:
    """Why a change was dropped, and the change itself."""
    if new is None:
        return f"{path} (removed by the template; yours was changed, and stays)"
    why = "cruft could not apply it" if content(path) else "deleted or renamed in your project"
    was, will_be = ((side or b"").decode(errors="replace").splitlines() for side in (old, new))
    hunks = list(difflib.unified_diff(was, will_be, lineterm="", n=1))[2:]  # without file names
    return "\n    ".join([f"{path} ({why})", *hunks])


def indented(lines: list[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)


def show_news(move: Move) -> None:
    for note in move.notes:
        print(f"\n{note}")
    if move.questions:
        print(f"\nnew questions, answered by their defaults (see {MEMORY}):")
        print(indented([f"{key}: {json.dumps(value)}" for key, value in move.questions.items()]))


def check(move: Move) -> Exit:
    """Tell what an update would bring; change nothing."""
    print(f"the template has moved: {move.title}")
    show_news(move)
    print(f"\nfiles that change ({len(move.files)}):")
    for path, (old, new) in move.files.items():
        kind = "new" if old is None else "removed" if new is None else "changed"
        print(f"  {kind:<8} {path}")
    return Exit.DRIFT


def update(move: Move, *, checked: bool) -> Exit:
    """Take the template's version in, uncommitted; tell what became of every file."""
    files = merge(move)
    print(f"template {move.title}")
    counts = [f"{len(names)} {verdict.split(':')[0]}" for verdict, names in files.items()]
    print(", ".join(counts) or "no file of this project changes")
    for verdict, names in files.items():
        shown = [lost_change(n, *move.files[n]) for n in names] if verdict == DROPPED else names
        print(f"\n{verdict}\n{indented(shown)}")
    show_news(move)
    steps = follow_up(list(move.files), checked=checked)
    if {CONFLICT, REJECTED} & set(files):
        print("\nSettle the files above. Then:", *steps, "git add -A && git commit", sep="\n  ")
        done = False
    else:
        done = all(map(taken, steps))  # up to the first that fails
    print("\nNothing is committed. Undo all of it:", UNDO_REJECTS if rejects() else UNDO)
    return Exit.OK if done and DROPPED not in files else Exit.DRIFT


def follow_up(changed: list[str], *, checked: bool) -> list[str]:
    """The commands that bring lock and migrations up to the merged files, and prove them."""
    wanted = {
        "uv lock --quiet": (PROJECT / "uv.lock").exists(),
        "make migrate-create m=template_update": any(path.startswith(SCHEMA) for path in changed),
        "make check": checked,
    }
    return [step for step in wanted if wanted[step]]


def taken(step: str) -> bool:
    """Run a step in the open; whether it went well."""
    print(f"\n$ {step}", flush=True)
    # Without the flags of the make around us, which would announce every folder it enters.
    environment = {key: os.environ[key] for key in os.environ if not key.startswith("MAKE")}
    program, *arguments = step.split()
    found = shutil.which(program)  # as Windows needs it
    command = (found or program, *arguments)
    if found and subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode == 0:
        return True
    print(f"{step}: {'failed' if found else 'not installed'}. A person must look.")
    return False


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.template", description=__doc__)
    parser.add_argument("command", choices=("check", "update"))
    parser.add_argument("--to", metavar="NAME", help="a branch, tag or commit of the template")
    parser.add_argument("--no-check", action="store_true", help="leave `make check` out")
    given = parser.parse_args()
    try:
        memory()
        if given.command == "update":
            refuse_unless_undoable()
        with tempfile.TemporaryDirectory(prefix="template-", ignore_cleanup_errors=True) as folder:
            move = next_move(Path(folder), given.to)
            if move is None:
                print("up to date with the template")
                return Exit.OK
            if given.command == "update":
                return update(move, checked=not given.no_check)
            code = check(move)
            print("\nTake it in: make template-update", f"to={given.to}" if given.to else "")
            return code
    except ToolError as error:
        without_passwords = re.sub(r"(?<=://)[^/@\s]+@", "", str(error))
        print(f"error: {without_passwords}\nNothing was changed.", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print(f"stopped. To undo what an update did: {UNDO_REJECTS}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
