"""The project's first commit, and what git must track of it."""

# As all that `setup` begins with: a Python >= 3.10, and nothing that must be installed.

import shutil
from pathlib import Path

from modelmigrate import project
from modelmigrate.service.steps import run, skipped, summary

FIRST = "Start from the template"
SECOND = "Add what the set-up made"
# Without these a clone is no project; whatever else git ignores is the owner's business.
NEEDED = (
    *("pyproject.toml", "uv.lock", "migrations", "vendor", "load_models.py", "atlas.hcl"),
    *(".env.example", ".cruft.json", ".gitignore", "Makefile", "src", "tests"),
)
NUL = "\0"


def repository() -> str:
    """Make the first commit, unless the project already lies in a repository."""
    if not shutil.which("git"):
        raise skipped("git is not installed.")
    toplevel = run("git", "rev-parse", "--show-toplevel")
    if toplevel.returncode == 0 and Path(toplevel.stdout.strip()).resolve() != project.root():
        return "inside another git repository: commit it there" + but(ignored())
    if run("git", "rev-parse", "--verify", "--quiet", "HEAD").returncode == 0:
        return later_commit()
    call("init", "--quiet", *branch())
    commit(FIRST, untracked())
    return f"first commit on branch {call('symbolic-ref', '--short', 'HEAD')}"


def later_commit() -> str:
    """Commit what an earlier set-up could not make yet, if nobody has committed since."""
    missing = untracked(*NEEDED)
    ours = call("log", "--format=%s").splitlines() == [FIRST]
    if missing and ours and run("git", "diff", "--cached", "--quiet").returncode == 0:
        commit(SECOND, missing)
        return f"committed what was missing: {shown(missing)}"
    return "git has its first commit already" + but(ignored())


def commit(message: str, names: list[str]) -> None:
    """Commit these files by their names, whatever others tell git to ignore."""
    from_stdin = ("--pathspec-from-file=-", "--pathspec-file-nul")
    call("--literal-pathspecs", "add", "--force", *from_stdin, stdin=NUL.join(names))
    call("commit", "--quiet", "--message", message)


def branch() -> tuple[str, ...]:
    """The options that name the first branch: `main`, unless git is told otherwise."""
    told = run("git", "config", "--get", "init.defaultBranch").stdout.strip()
    return () if told else ("--initial-branch", "main")


def untracked(*paths: str) -> list[str]:
    """The files that are not in the index, but for those that the project's own .gitignore names."""
    own = ("--others", "--exclude-per-directory=.gitignore", "-z")
    return listed(call("ls-files", *own, "--", *paths))


def ignored() -> list[str]:
    """The needed files that are not in the index since git ignores them: by the user's or a parent
    folder's rules, for the project has none against them."""
    others = ("ls-files", "--others", "-z")
    everything = listed(call(*others, "--", *NEEDED))
    seen = listed(call(*others, "--exclude-standard", "--", *NEEDED))
    rules = f"--exclude-from={project.root() / '.gitignore'}"
    own = listed(call(*others, "--ignored", rules, "--", *NEEDED))
    return sorted({*everything} - {*seen} - {*own})


def but(names: list[str]) -> str:
    """A remark on files that git ignores and must not."""
    return (
        f", but it ignores {shown(names)}: git add --force {' '.join(names[:3])}" if names else ""
    )


def shown(names: list[str]) -> str:
    """A few names, and how many there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def listed(output: str) -> list[str]:
    """What git separates by NUL."""
    return list(filter(None, output.split(NUL)))


def call(*arguments: str, stdin: str | None = None) -> str:
    """What git answers; a step that is not done where it fails."""
    finished = run("git", *arguments, stdin=stdin)
    if finished.returncode:
        verb = next(each for each in arguments if not each.startswith("-"))
        raise skipped(f"git {verb} failed: {summary(finished)}")
    return finished.stdout.strip("\n")
