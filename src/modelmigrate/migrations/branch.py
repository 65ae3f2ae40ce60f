"""The migrations of this branch and of the one that it goes into, as git has them."""

from typing import NamedTuple

from modelmigrate import project
from modelmigrate.atlas.directory import require_migrations, version_of
from modelmigrate.git import git

HashByName = dict[str, str]  # the name of each migration, and git's hash of its contents


class BranchComparison(NamedTuple):
    """The migrations of two branches: where they parted, at both ends, and in the work tree."""

    base: str
    merge_base_files: HashByName
    base_files: HashByName
    head_files: HashByName
    worktree_files: HashByName

    @property
    def added(self) -> list[str]:
        """What this branch adds, in its order: in the midst of a `git rebase`, what came first is
        committed already, under a newer name."""
        names = self.worktree_files.keys() - self.base_files.keys() - self.merge_base_files.keys()
        return sorted(names, key=lambda name: (name not in self.head_files, name))

    @property
    def newest(self) -> str:
        return max(self.base_files, key=version_of, default="")


def compare_branches(base: str) -> BranchComparison:
    """Find what this branch and `base` have, and had when they parted.

    Raises:
        MigrateError: git cannot tell; with the cure.
    """
    require_migrations()
    remote, _, branch = base.partition("/") if "/" in base else ("origin", "", base)
    fetch = f"git fetch {remote} {branch}:refs/remotes/{remote}/{branch}"
    git("rev-parse", "--git-dir", cure=f"Without a repository there is no {base} to compare with.")
    tip = git(
        "rev-parse", "--verify", "--end-of-options", base + "^{commit}",
        cure=f"There is no {base} here. Fetch it: {fetch}\nand type base={remote}/{branch}",
    ).strip()  # fmt: skip
    parted = git(
        "merge-base", tip, "HEAD",
        cure=f"This branch and {base} have no commit in common. In a shallow clone, fetch the"
        " rest: git fetch --unshallow. Otherwise name another branch: base=...",
    ).strip()  # fmt: skip
    return BranchComparison(
        base,
        committed_files(parted),
        committed_files(tip),
        committed_files("HEAD"),
        worktree_files(),
    )


def committed_files(commit: str) -> HashByName:
    entries = git("ls-tree", "-z", commit, "migrations/").split("\0")
    found = [entry.partition("\t") for entry in entries if entry.endswith(".sql")]
    return {path.removeprefix("migrations/"): about.split()[2] for about, _, path in found}


def worktree_files() -> HashByName:
    paths = sorted(project.migrations_dir().glob("*.sql"))
    given = "".join(f"{path.as_posix()}\n" for path in paths)
    hashes = git("hash-object", "--no-filters", "--stdin-paths", given=given).split()
    return {path.name: each for path, each in zip(paths, hashes, strict=True)}
