"""Taking a newer template in: cruft merges, and what became of every file is told."""

import difflib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.service.template import (
    CRUFT,
    CRUFT_FILE,
    OWN,
    Content,
    TemplateUpdate,
    find_update,
    git,
    indented,
    paths,
    read_cruft_state,
    run,
    words,
)

SCHEMA = ("src/domain/models/", "src/infrastructure/persistence/sql/", "load_models.py")
UNDO = "git restore --staged --worktree . && git clean -fdq ."
UNDO_REJECTS = f'{UNDO} && git clean -fqx -- "*.rej"'
APPLIED = "taken in"
MERGED = "merged with yours"
CONFLICT = "in CONFLICT: both versions are in the file, between <<<<<<< and >>>>>>>"
REJECTED = "REJECTED: what did not fit lies beside the file, as *.rej"
DROPPED = "DROPPED: not taken in; this is the only time that you see it"
OUTCOMES = (APPLIED, MERGED, CONFLICT, REJECTED, DROPPED)


def unmerged() -> set[str]:
    return paths(git("diff", "--name-only", "--relative", "--diff-filter=U", "-z"))


def rejects() -> set[str]:
    return paths(git("ls-files", "-z", "--cached", "--others", "--", "*.rej"))


def refuse_unless_undoable() -> None:
    """An update starts only where git can merge it and one command can undo it (else code 3)."""
    if run("git", "ls-files", "--error-unmatch", CRUFT_FILE).returncode:
        raise MigrateError(f"{CRUFT_FILE} is not in git. Commit the project first.", Exit.REFUSED)
    markers = ("-e", "^<<<<<<< ", "-e", "^=======$", "-e", "^>>>>>>> ")
    marked = paths(run("git", "grep", "-lzI", "--all-match", *markers).stdout)
    if unfinished := unmerged() | rejects() | marked:
        raise MigrateError(
            f"an earlier update or merge is not finished:\n{indented(sorted(unfinished))}\nSettle"
            " these files (a *.rej: take it in by hand, delete it) and commit. Or undo it all:\n"
            f"  {UNDO_REJECTS}",
            Exit.REFUSED,
        )
    # In the whole repository: cruft asks no less.
    if dirty := git("status", "--porcelain", "--untracked-files=all"):
        raise MigrateError(
            f"git has changes that are not committed:\n{indented(dirty.splitlines())}\n"
            "Commit them, or put them aside: git stash --include-untracked",
            Exit.REFUSED,
        )
    if git("rev-parse", "--is-shallow-repository") == "true":
        fetched = run("git", "fetch", "--quiet", "--unshallow")
        if fetched.returncode:
            why = "this shallow clone lacks what merging needs, and cannot be deepened by: "
            raise MigrateError(f"{why}git fetch --unshallow\n{words(fetched)}", Exit.REFUSED)


def merge(move: TemplateUpdate) -> dict[str, list[str]]:
    """Let cruft merge; return the files by verdict.

    Raises:
        MigrateError: cruft failed or lost the whole update; all is as it was before.
    """
    mine = {path: content(path) for path in move.files}
    checkout = ("--checkout", move.ref) if move.ref else ()
    cruft = run(*CRUFT, "update", "--skip-apply-ask", "--template-path", move.clone, *checkout)
    restore(*OWN)
    conflicts, rejected = unmerged(), {path.removesuffix(".rej") for path in rejects()}
    files: dict[str, list[str]] = {verdict: [] for verdict in OUTCOMES}
    for path in sorted({*move.files, *conflicts, *rejected}):
        if path in conflicts:
            files[CONFLICT].append(path)
        elif path in rejected:
            files[REJECTED].append(path)
        else:
            files[outcome(*move.files[path], mine[path], content(path))].append(path)
    nothing = files[DROPPED] and not any(files[verdict] for verdict in OUTCOMES[:-1])
    lost = nothing and any(mine[path] == move.files[path][0] for path in files[DROPPED])
    if cruft.returncode or lost or read_cruft_state()["commit"] != move.commit:
        restore(".")
        git("clean", "-fqx", "--", "*.rej")
        raise MigrateError(f"cruft took nothing in, and was undone. It says:\n{words(cruft)}")
    return {verdict: files[verdict] for verdict in OUTCOMES if files[verdict]}


def restore(*names: str) -> None:
    for name in names:
        if git("ls-files", name):
            git("restore", "--staged", "--worktree", name)
        git("clean", "-fdq", name)


def content(path: str) -> Content:
    file = project.root() / path
    return file.read_bytes() if file.is_file() else None


def outcome(old: Content, new: Content, mine: Content, now: Content) -> str:
    """What became of a file: the template's two versions, mine, and mine after the update."""
    if now == new:
        return APPLIED
    return MERGED if now != mine or already_contains(mine, old, new) else DROPPED


def already_contains(mine: Content, old: Content, new: Content) -> bool:
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


def show_news(move: TemplateUpdate) -> None:
    for note in move.notes:
        print(f"\n{note}")
    if move.questions:
        print(f"\nnew questions, answered by their defaults (see {CRUFT_FILE}):")
        print(indented([f"{key}: {json.dumps(value)}" for key, value in move.questions.items()]))


def show_update(move: TemplateUpdate) -> Exit:
    """Tell what an update would bring; change nothing."""
    print(f"the template has moved: {move.title}")
    show_news(move)
    print(f"\nfiles that change ({len(move.files)}):")
    for path, (old, new) in move.files.items():
        kind = "new" if old is None else "removed" if new is None else "changed"
        print(f"  {kind:<8} {path}")
    return Exit.DRIFT


def take_update(move: TemplateUpdate, *, checked: bool) -> Exit:
    """Take the template's version in, uncommitted; tell what became of every file."""
    files = merge(move)
    print(f"template {move.title}")
    counts = [f"{len(names)} {verdict.split(':')[0]}" for verdict, names in files.items()]
    print(", ".join(counts) or "no file of this project changes")
    for verdict, names in files.items():
        shown = [lost_change(n, *move.files[n]) for n in names] if verdict == DROPPED else names
        print(f"\n{verdict}\n{indented(shown)}")
    show_news(move)
    steps = next_steps(list(move.files), checked=checked)
    if {CONFLICT, REJECTED} & set(files):
        print("\nSettle the files above. Then:", *steps, "git add -A && git commit", sep="\n  ")
        done = False
    else:
        done = all(map(run_step, steps))  # up to the first that fails
    print("\nNothing is committed. Undo all of it:", UNDO_REJECTS if rejects() else UNDO)
    return Exit.OK if done and DROPPED not in files else Exit.DRIFT


def next_steps(changed: list[str], *, checked: bool) -> list[str]:
    """The commands that bring lock and migrations up to the merged files, and prove them."""
    wanted = {
        "uv lock --quiet": (project.root() / "uv.lock").exists(),
        "make migrate-create m=template_update": any(path.startswith(SCHEMA) for path in changed),
        "make check": checked,
    }
    return [step for step in wanted if wanted[step]]


def run_step(step: str) -> bool:
    """Run a step in the open; whether it went well."""
    print(f"\n$ {step}", flush=True)
    # Without the flags of the make around us, which would announce every folder it enters.
    environment = {key: os.environ[key] for key in os.environ if not key.startswith("MAKE")}
    program, *arguments = step.split()
    found = shutil.which(program)  # as Windows needs it
    command = (found or program, *arguments)
    if (
        found
        and subprocess.run(command, cwd=project.root(), env=environment, check=False).returncode
        == 0
    ):
        return True
    print(f"{step}: {'failed' if found else 'not installed'}. A person must look.")
    return False


def run_command(command: str, to: str | None, *, checked: bool = True) -> Exit:
    """`check` or `update`; what it finds is printed as it goes.

    Raises:
        MigrateError: nothing was changed, and why.
    """
    try:
        read_cruft_state()
        if command == "update":
            refuse_unless_undoable()
        with tempfile.TemporaryDirectory(prefix="template-", ignore_cleanup_errors=True) as folder:
            move = find_update(Path(folder), to)
            if move is None:
                print("up to date with the template")
                return Exit.OK
            if command == "update":
                return take_update(move, checked=checked)
            code = show_update(move)
            print("\nTake it in: make template-update", f"to={to}" if to else "")
            return code
    except MigrateError as error:
        without_passwords = re.sub(r"(?<=://)[^/@\s]+@", "", str(error))
        raise MigrateError(f"{without_passwords}\nNothing was changed.", error.code) from None
