"""Shape the project, then make it ready: the work itself is the project's own `make setup`."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# The only way in for answers: as data, never as code.
ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")

# What stays only with this answer.
OPTIONAL = {
    ".github": ("ci_provider", "github"),
    ".gitlab-ci.yml": ("ci_provider", "gitlab"),
    ".circleci": ("ci_provider", "circleci"),
    "deploy": ("kubernetes", True),
}

# What `make setup` answers when there is no "next" -> what cookiecutter is told. It deletes the
# project for anything but 0: right for a schema that is wrong, not for one interrupted.
STOPPED = {10: 1, 130: 0}


def shape(project: Path) -> None:
    """Delete the optional parts that were not chosen: the one thing that updates repeat."""
    for name, (question, answer) in OPTIONAL.items():
        if ANSWERS[question] == answer:
            continue
        path = project / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def origin(project: Path) -> str:
    """Who is at work: `cookiecutter`, `cruft create`, or `render` (cruft's update and diff).

    Updates and diffs render old and new versions into temporary folders; whatever a hook adds
    there would reach the user's project as a change of the template.
    """
    if "_output_dir" in ANSWERS:
        return "cookiecutter"
    temporary = project.parent.parent == Path(tempfile.gettempdir()).resolve()
    if temporary and re.fullmatch(r"tmp[a-z0-9_]{8}", project.parent.name):
        return "render"
    return "cruft create"


def remember_template(project: Path) -> str | None:
    """Write `.cruft.json`, so that `cruft update` works from the first day; why not, if not."""
    clone = template_folder()
    commit = git(clone, "rev-parse", "HEAD")
    if git(clone, "rev-parse", "--show-toplevel") != clone.as_posix() or not commit:
        return "the template is no git clone with a commit"
    if git(clone, "status", "--porcelain"):
        return "the template has uncommitted changes"
    questions = json.loads((clone / "cookiecutter.json").read_text(encoding="utf-8"))
    answers = {key: ANSWERS[key] for key in questions if key in ANSWERS}
    template = address(clone)
    # What `cruft create` would write, so that an update changes no more of it than it must.
    remembered = {
        "template": template,
        "commit": commit,
        "checkout": ANSWERS.get("_checkout") or None,
        "context": {"cookiecutter": answers | {"_template": template, "_commit": commit}},
        "directory": None,
    }
    text = json.dumps(remembered, indent=2) + "\n"
    (project / ".cruft.json").write_text(text, encoding="utf-8", newline="\n")
    return None


def template_folder() -> Path:
    """Where the template lies, which may be given relative to where the bake was started."""
    started_in = os.environ.get("PWD") or ANSWERS.get("_output_dir", "")
    return Path(started_in, ANSWERS["_repo_dir"]).resolve()


def address(clone: Path) -> str:
    """Where updates come from: the clone's origin if that has this commit, else the clone."""
    url = git(clone, "config", "--get", "remote.origin.url")
    published = git(clone, "for-each-ref", "--contains", "HEAD", "refs/remotes", "refs/tags")
    if not url or not published:
        return str(clone)
    # Pipelines clone with a token in the URL, and `.cruft.json` will be committed.
    return re.sub(r"^(https?://)[^/]*@", r"\1", url)


def is_checked_out(wanted: str) -> bool:
    """Whether the template stands at `wanted`: cookiecutter ignores `-c` for a folder or a zip."""
    commit = git(template_folder(), "rev-parse", "HEAD")
    return bool(commit) and commit == git(template_folder(), "rev-parse", f"{wanted}^0")


def git(folder: Path, *arguments: str) -> str:
    """What git answers; empty when it has none, or is not there."""
    if not shutil.which("git"):
        return ""
    command = ("git", "-C", str(folder), *arguments)
    finished = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    return finished.stdout.strip() if finished.returncode == 0 else ""


def set_up(project: Path, *options: str) -> int:
    """Run the project's own `make setup`, from the wheel that it brings: nothing is installed yet.

    It has explained itself whatever the exit code.
    """
    [wheel] = (project / "vendor").glob("modelmigrate-*.whl")
    command = (sys.executable, "-m", "modelmigrate.service.setup", *options)
    here = {"PYTHONPATH": str(wheel), "MODELMIGRATE_PROJECT": str(project)}
    with subprocess.Popen(command, cwd=project, env=os.environ | here) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue  # the child has it, too, and is cleaning up


def main() -> int:
    project = Path.cwd().resolve()
    wanted = ANSWERS.get("_checkout")
    if wanted and not is_checked_out(wanted):
        problem = "cookiecutter ignores -c for a template in a folder or a zip"
        fix = f"run git checkout {wanted} in the template's folder first, and leave out -c"
        print(f"The project was not made: {problem}: {fix}", file=sys.stderr)
        return 1
    shape(project)
    by = origin(project)
    if os.environ.get("TEMPLATE_SETUP", "no" if by == "render" else "yes") != "yes":
        return 0
    # Flushed, since the set-up is a process of its own and prints next.
    print(f"Setting up {project.name}; the first time on a machine takes minutes:", flush=True)
    unremembered = remember_template(project) if by == "cookiecutter" else None
    code = set_up(project, *(["--no-commit"] if by == "cruft create" else []))
    if unremembered:
        fix = "link the project to the template later by cruft link"
        print(f"  NOT DONE  updates     {unremembered}: {fix}")
    if code in STOPPED:
        return STOPPED[code]
    commands = "make migrate && make run" if code == 0 else "make setup, when that is fixed"
    print(f"\nNext: cd {project.name} && {commands}")
    if by == "cruft create":
        # .cruft.json appears only after this hook, and belongs into the first commit.
        print("      make setup   (once more: it makes the first commit, with .cruft.json in it)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
