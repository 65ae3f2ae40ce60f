"""The merge itself: what is required of the project before it, and the outcome for every file."""

import difflib
import os
import tempfile
from pathlib import Path

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.git import git
from modelmigrate.service.link import CRUFT_FILE
from modelmigrate.service.template import (
    CRUFT,
    OWN,
    Content,
    TemplateUpdate,
    output_of,
    read_cruft_state,
    run,
)
from modelmigrate.terminal import indent

UNDO = "git restore --staged --worktree . && git clean -fdq ."
UNDO_REJECTS = f'{UNDO} && git clean -fqx -- "*.rej"'
APPLIED = "updated"
MERGED = "merged with yours"
CONFLICT = "in CONFLICT: both versions are in the file, between <<<<<<< and >>>>>>>"
REJECTED = "REJECTED: what does not apply is beside the file, as *.rej"
DROPPED = "DROPPED: not applied; it is shown here and nowhere else"
OUTCOMES = (APPLIED, MERGED, CONFLICT, REJECTED, DROPPED)


def split_paths(listing: str) -> set[str]:
    """The paths in what git prints with -z."""
    return set(filter(None, listing.split("\0")))


def unmerged() -> set[str]:
    """The files that git has in conflict."""
    return split_paths(git("diff", "--name-only", "--relative", "--diff-filter=U", "-z"))


def rejects() -> set[str]:
    """The files with what cruft could not apply."""
    return split_paths(git("ls-files", "-z", "--cached", "--others", "--", "*.rej"))


def refuse_unless_undoable() -> None:
    """Raise MigrateError (exit code 3) where git could not merge, or one command could not undo it."""
    if run("git", "ls-files", "--error-unmatch", CRUFT_FILE).returncode:
        raise MigrateError(f"{CRUFT_FILE} is not in git. Commit the project first.", Exit.REFUSED)
    markers = ("-e", "^<<<<<<< ", "-e", "^=======$", "-e", "^>>>>>>> ")
    marked = split_paths(run("git", "grep", "-lzI", "--all-match", *markers).stdout)
    if unfinished := unmerged() | rejects() | marked:
        raise MigrateError(
            f"an earlier update or merge is not finished:\n{indent(sorted(unfinished))}\nResolve"
            " these files (apply a *.rej by hand, then delete it) and commit. Or undo it all:\n"
            f"  {UNDO_REJECTS}",
            Exit.REFUSED,
        )
    # In the whole repository: cruft asks no less.
    if dirty := git("status", "--porcelain", "--untracked-files=all").rstrip():
        raise MigrateError(
            f"git has changes that are not committed:\n{indent(dirty.splitlines())}\n"
            "Commit them, or put them aside: git stash --include-untracked",
            Exit.REFUSED,
        )
    if git("rev-parse", "--is-shallow-repository").strip() == "true":
        fetched = run("git", "fetch", "--quiet", "--unshallow")
        if fetched.returncode:
            raise MigrateError(
                "this shallow clone lacks commits that the merge needs, and this fails:"
                f" git fetch --unshallow\n{output_of(fetched)}",
                Exit.REFUSED,
            )


def merge(update: TemplateUpdate) -> dict[str, list[str]]:
    """Let cruft merge; return the files by outcome.

    Raises:
        MigrateError: cruft failed or dropped the whole update; all is as it was before.
    """
    yours = {path: content(path) for path in update.files}
    checkout = ("--checkout", update.ref) if update.ref else ()
    cruft = run(*CRUFT, "update", "--skip-apply-ask", "--template-path", update.clone, *checkout)
    restore(*OWN)
    conflicts, rejected = unmerged(), {path.removesuffix(".rej") for path in rejects()}
    files: dict[str, list[str]] = {each: [] for each in OUTCOMES}
    for path in sorted({*update.files, *conflicts, *rejected}):
        if path in conflicts:
            files[CONFLICT].append(path)
        elif path in rejected:
            files[REJECTED].append(path)
        else:
            files[outcome(*update.files[path], yours[path], content(path))].append(path)
    # Dropped for a reason is what the project changed; what it did not change should have applied.
    all_dropped = files[DROPPED] and not any(files[each] for each in OUTCOMES if each != DROPPED)
    lost = all_dropped and any(yours[path] == update.files[path][0] for path in files[DROPPED])
    if cruft.returncode or lost or read_cruft_state()["commit"] != update.commit:
        restore(".")
        git("clean", "-fqx", "--", "*.rej")
        raise MigrateError(f"cruft applied nothing, and was undone. It says:\n{output_of(cruft)}")
    return {each: paths for each, paths in files.items() if paths}


def restore(*names: str) -> None:
    """Make files and folders what they are in the last commit."""
    for name in names:
        if git("ls-files", name):
            git("restore", "--staged", "--worktree", name)
        git("clean", "-fdq", name)


def content(path: str) -> Content:
    """What a file of the project holds."""
    file = project.root() / path
    return file.read_bytes() if file.is_file() else None


def outcome(old: Content, new: Content, yours: Content, result: Content) -> str:
    """What happened to a file: the template's two versions, yours, and yours after the update."""
    if result == new:
        return APPLIED
    return MERGED if result != yours or already_contains(yours, old, new) else DROPPED


def already_contains(yours: Content, old: Content, new: Content) -> bool:
    """Whether your version had the template's change already."""
    if yours is None or old is None or new is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        for name, version in (("yours", yours), ("old", old), ("new", new)):
            (Path(folder) / name).write_bytes(version)
        merged = run("git", "merge-file", "-p", "yours", "old", "new", at=Path(folder))
    return merged.returncode == 0 and merged.stdout.encode() == yours


def dropped_change(path: str, old: Content, new: Content) -> str:
    """Why a change was dropped, and the change itself."""
    if new is None:
        return f"{path} (removed by the template; yours was changed, and stays)"
    why = "cruft could not apply it"
    if content(path) is None:
        why = "deleted or renamed in your project" if old is not None else why_not_added(path)
    before, after = ((side or b"").decode(errors="replace").splitlines() for side in (old, new))
    hunks = list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]  # without file names
    return "\n    ".join([f"{path} ({why})", *hunks])


def why_not_added(path: str) -> str:
    """Why a file that is new in the template is not in the project: cruft leaves out all that is below
    a folder that the project has no more."""
    reason = "cruft could not add it"
    for folder in list(Path(path).parents)[-2::-1]:  # the outermost first
        there = project.root() / folder
        if there.is_dir():
            continue
        if os.path.lexists(there):
            reason = f"{folder.as_posix()} is no folder in your project"
        elif git("log", "-1", "--format=%h", "--", folder.as_posix()):
            reason = f"its folder {folder.as_posix()} was deleted or renamed in your project"
        break
    return f"new in the template; {reason}"
