"""The migrations of this branch and of the branch that it will be merged into, as git has them."""

from typing import NamedTuple

from modelmigrate import project
from modelmigrate.atlas.directory import require_migrations, version_of
from modelmigrate.errors import MigrateError
from modelmigrate.git import git

HashByName = dict[str, str]  # the file name of each migration, and git's hash of its contents


class BranchComparison(NamedTuple):
    """The migrations of two branches: at their merge base, at both heads, and in the work tree."""

    base: str
    merge_base_files: HashByName
    base_files: HashByName
    head_files: HashByName
    worktree_files: HashByName

    @property
    def added(self) -> list[str]:
        """The files that this branch adds, in its order: in the midst of a `git rebase`, the earlier
        ones are committed already, under newer names."""
        names = self.worktree_files.keys() - self.base_files.keys() - self.merge_base_files.keys()
        return sorted(names, key=lambda name: (name not in self.head_files, name))

    @property
    def newest(self) -> str:
        """The newest file of base; empty where there is none."""
        return max(self.base_files, key=version_of, default="")


def compare_branches(base: str) -> BranchComparison:
    """Find the migrations of this branch and of `base`, and those at their merge base.

    Raises:
        MigrateError: there is no repository, no `base`, or no common commit; with how to fix that.
    """
    require_migrations()
    base_head, merge_base = find_base(base)
    return BranchComparison(
        base,
        committed_files(merge_base),
        committed_files(base_head),
        committed_files("HEAD"),
        worktree_files(),
    )


def find_base(base: str) -> tuple[str, str]:
    """The commit of `base`, and the one that this branch has in common with it.

    Raises:
        MigrateError: there is no repository, no `base`, or no common commit; with how to fix that.
    """
    remote, _, branch = base.partition("/") if "/" in base else ("origin", "", base)
    git("rev-parse", "--git-dir", hint=f"Without a repository there is no {base} to compare with.")
    commit = base + "^{commit}"
    try:
        head = git("rev-parse", "--verify", "--end-of-options", commit).strip()
    except MigrateError:  # git only says that it "Needed a single revision"
        raise MigrateError(how_to_get(base, remote, branch)) from None
    merge_base = merge_base_of(head)
    if not merge_base:
        raise MigrateError(
            f"this branch and {base} have no commit in common. Nothing was changed. In a shallow clone,"
            " fetch the rest: git fetch --unshallow\nOtherwise name another branch:"
            f" {project.option('base', '...')}"
        )
    return head, merge_base


def merge_base_of(head: str) -> str:
    """The commit that this branch has in common with another one; empty where there is none."""
    try:
        return git("merge-base", head, "HEAD").strip()
    except MigrateError:
        return ""


def how_to_get(base: str, remote: str, branch: str) -> str:
    """What to type where a branch is not here: to fetch it, or to compare with one that is."""
    remotes = git("remote").split()
    here = git("branch", "--format=%(refname:short)").split()
    others = [each for each in ("main", "master", *here) if each in here]
    local = f"compare with a branch that is here: {project.option('base', (*others, '...')[0])}"
    if remote not in remotes:
        return (
            f"there is no {base} in this repository: it has no remote {remote}. Nothing was changed.\n"
            f"Add it: git remote add {remote} URL && git fetch {remote}\nOr {local}"
        )
    fetch = f"git fetch {remote} {branch}:refs/remotes/{remote}/{branch}"
    option = project.option("base", f"{remote}/{branch}")
    return f"there is no {base} here. Nothing was changed.\nFetch it: {fetch}\nand type {option}\nOr {local}"


def committed_files(commit: str) -> HashByName:
    """The migrations of a commit."""
    entries = git("ls-tree", "-z", commit, "migrations/").split("\0")
    fields = [entry.partition("\t") for entry in entries if entry.endswith(".sql")]
    # Before the tab are the mode, the type and the hash.
    return {path.removeprefix("migrations/"): entry.split()[2] for entry, _, path in fields}


def worktree_files() -> HashByName:
    """The migrations of the work tree, committed or not."""
    paths = sorted(project.migrations_dir().glob("*.sql"))
    listing = "".join(f"{path.as_posix()}\n" for path in paths)
    hashes = git("hash-object", "--no-filters", "--stdin-paths", stdin=listing).split()
    return {path.name: git_hash for path, git_hash in zip(paths, hashes, strict=True)}
