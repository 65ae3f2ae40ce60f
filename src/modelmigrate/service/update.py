"""A later version of the template merged into the project: cruft merges, and the outcome for every
file is reported.

The merge may bring another wheel of this very package, in the place of the running one. So all that
is needed after the merge is imported here, at the top, and the steps after it are fresh processes. And
it runs from the wheel, by a Python >= 3.11 and the standard library alone, as well: to ask for a later
version is no reason to install a project's dependencies.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from modelmigrate import project
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.isolation import isolated
from modelmigrate.service.link import CRUFT_FILE
from modelmigrate.service.merge import (
    CONFLICT,
    DROPPED,
    REJECTED,
    UNDO,
    UNDO_REJECTS,
    dropped_change,
    merge,
    refuse_unless_undoable,
    rejects,
)
from modelmigrate.service.template import (
    Pinned,
    TemplateUpdate,
    find_update,
    read_cruft_state,
)
from modelmigrate.terminal import indent, note, say

SCHEMA = ("src/domain/models/", "src/infrastructure/persistence/sql/", "load_models.py")
UNCHANGED = "Nothing was changed."
INTERRUPTED = 130


def run_command(command: str, to: str | None, *, checked: bool = True) -> Exit:
    """`check` or `update`; what it finds is printed as it goes.

    Returns:
        OK: up to date, or all went well. DRIFT: there is an update, or a file needs a review.

    Raises:
        MigrateError: nothing was changed, and why.
    """
    try:
        read_cruft_state()
        if command == "update":
            refuse_unless_undoable()
        with tempfile.TemporaryDirectory(prefix="template-", ignore_cleanup_errors=True) as folder:
            update = find_update(Path(folder), to)
            if update is None:
                say("up to date with the template")
                return Exit.OK
            if isinstance(update, Pinned):
                return show_pinned(update)
            if command == "update":
                return apply_update(update, checked=checked)
            code = show_update(update)
            say(f"\nApply it: {project.command('template update', to=to)}")
            return code
    except MigrateError as error:
        message = re.sub(r"(?<=://)[^/@\s]+@", "", str(error))  # without passwords
        if not message.endswith(UNCHANGED):
            message = f"{message}\n{UNCHANGED}"
        raise MigrateError(message, error.code) from None


def show_pinned(pinned: Pinned) -> Exit:
    """Print what is newer than the commit that the project follows, and how to move there."""
    say(f"pinned at {pinned.commit} by {CRUFT_FILE}")
    if not pinned.ahead and not pinned.tag:
        say("up to date with the template")
        return Exit.OK
    newer = f"commits on {pinned.branch} since: {pinned.ahead}" if pinned.ahead else ""
    tag = f"newest tag: {pinned.tag}" if pinned.tag else ""
    say(f"{', '.join(filter(None, (newer, tag)))}. {UNCHANGED}")
    say(f"\nMove there: {project.command('template update', to=pinned.tag or pinned.branch)}")
    return Exit.DRIFT


def show_update(update: TemplateUpdate) -> Exit:
    """Print what an update would bring; change nothing."""
    say(f"there is a later template: {update.title}")
    show_news(update)
    say(f"\nfiles that change ({len(update.files)}):")
    for path, (old, new) in update.files.items():
        kind = "new" if old is None else "removed" if new is None else "changed"
        say(f"  {kind:<8} {path}")
    return Exit.DRIFT


def show_news(update: TemplateUpdate) -> None:
    """Print the upgrade notes and the new questions."""
    for section in update.notes:
        say(f"\n{section}")
    if update.questions:
        say(f"\nnew questions, answered by their defaults (see {CRUFT_FILE}):")
        say(indent([f"{key}: {json.dumps(value)}" for key, value in update.questions.items()]))


def apply_update(update: TemplateUpdate, *, checked: bool) -> Exit:
    """Merge the template's version, uncommitted; report the outcome for every file; run the steps
    that follow, with the project's own check among them if `checked`.

    Raises:
        MigrateError: cruft failed or dropped the whole update; all is as it was before.
    """
    files = merge(update)
    say(f"template {update.title}")
    counts = [f"{len(paths)} {each.split(':')[0]}" for each, paths in files.items()]
    say(", ".join(counts) or "no file of this project changes")
    for each, paths in files.items():
        dropped = each == DROPPED
        lines = [dropped_change(p, *update.files[p]) for p in paths] if dropped else paths
        say(f"\n{each}\n{indent(lines)}")
    show_news(update)
    steps = next_steps(list(update.files), checked=checked)
    if {CONFLICT, REJECTED} & set(files):
        say(f"\nResolve the files above. Then:\n{indent([*steps, 'git add -A && git commit'])}")
        succeeded = False
    else:
        succeeded = all(map(run_step, steps))  # up to the first that fails
    say(f"\nNothing is committed. Undo all of it: {UNDO_REJECTS if rejects() else UNDO}")
    return Exit.OK if succeeded and DROPPED not in files else Exit.DRIFT


def next_steps(changed: list[str], *, checked: bool) -> list[str]:
    """The commands that bring the lock and the migrations up to the merged files, and check them."""
    steps = {
        # A wheel of this package that has other bytes would not match the hash in the lock.
        "uv lock --quiet -P modelmigrate": (project.root() / "uv.lock").exists(),
        project.command("create", "template_update"): any(p.startswith(SCHEMA) for p in changed),
        project.command("check"): checked,
    }
    return [step for step, needed in steps.items() if needed]


def run_step(step: str) -> bool:
    """Run a command with its output shown; whether it succeeded."""
    say(f"\n$ {step}")
    # Without the flags of the make around us, which would announce every folder it enters.
    environment = {k: value for k, value in isolated().items() if not k.startswith("MAKE")}
    name, *arguments = step.split()
    program = shutil.which(name)  # the full path, as Windows needs it
    if program:
        command = (program, *arguments)
        done = subprocess.run(command, cwd=project.root(), env=environment, check=False)
        if done.returncode == 0:
            return True
    say(f"{step}: {'failed' if program else 'not installed'}. Review needed.")
    return False


def main() -> int:
    """The commands `template check` and `template update` for a Python without Typer."""
    parser = argparse.ArgumentParser(prog="modelmigrate template", description=__doc__)
    parser.add_argument("command", choices=("check", "update"))
    parser.add_argument("--to", help="a branch, tag or commit of the template")
    parser.add_argument("--no-check", action="store_true", help="leave out the project's own check")
    given = parser.parse_args()
    try:
        return run_command(given.command, given.to, checked=not given.no_check)
    except MigrateError as error:
        note(f"error: {error}")
        return error.code
    except KeyboardInterrupt:
        note("stopped. Repeat the command to go on.")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
