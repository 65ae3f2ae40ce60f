"""Shape the project, then make it ready: the work itself is the project's own `make setup`."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

# The only way in for answers: as data, never as code.
ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")

# What stays only with one of these answers; the files are named in pre_gen_project as well.
OPTIONAL = {
    ("ci_provider", ("github",)): [
        ".github/dependabot.yml",
        ".github/workflows/ci.yml",
        ".github/workflows/release.yml",
        ".github/workflows/scheduled.yml",
    ],
    ("ci_provider", ("gitlab",)): [".gitlab-ci.yml"],
    ("ci_provider", ("circleci",)): [".circleci/config.yml"],
    ("ci_provider", ("gitlab", "circleci")): ["renovate.json"],
    ("kubernetes", (True,)): [
        "deploy/argocd/application-set.yaml",
        "deploy/argocd/hooks.yaml",
        "deploy/argocd/kustomization.yaml",
        "deploy/kubernetes/availability.yaml",
        "deploy/kubernetes/deployment.yaml",
        "deploy/kubernetes/kustomization.yaml",
        "deploy/kubernetes/migration-job.yaml",
        "deploy/kubernetes/network-policy.yaml",
        "deploy/kubernetes/service.yaml",
        "deploy/overlays/production/kustomization.yaml",
        "deploy/overlays/staging/kustomization.yaml",
        "deploy/release.sh",
    ],
}
# Where pre_gen_project has noted what was there before the bake.
NOTES = ".bake-in-progress.json"
TEMPLATES_AUTHOR = {"author_name": "Ada Lovelace", "author_email": "ada@example.com"}

# What `make setup` answers.
DONE, INCOMPLETE, SCHEMA_REFUSED, INTERRUPTED = 0, 3, 10, 130
# How to keep a project whose schema was refused: cookiecutter deletes it for anything but 0.
KEEP = {
    "cookiecutter": "--keep-project-on-failure",
    "cruft create": "TEMPLATE_SETUP=no in the environment",
}


def shape(project: Path, kept: dict[str, list[int]]) -> None:
    """Delete what was rendered for other answers: the one thing that updates repeat.

    What this bake has not written stays, as do folders that it has not made or that hold more.
    """
    for (question, answers), names in OPTIONAL.items():
        for name in names if ANSWERS[question] not in answers else ():
            path = project / name
            if os.path.lexists(path) and not path.is_dir() and kept.get(name) != mark(path):
                delete(path)
            for folder in path.relative_to(project).parents:
                if folder.as_posix() in {".", *kept}:
                    break
                try:
                    (project / folder).rmdir()
                except OSError:
                    break  # not empty


def mark(path: Path) -> list[int]:
    """What tells whether a file was written since."""
    found = path.lstat()
    return [found.st_mtime_ns, found.st_size]


def delete(path: Path) -> None:
    try:
        path.unlink()
    except PermissionError:
        path.chmod(stat.S_IWRITE)  # Windows deletes no file that is read-only
        path.unlink()


def take_notes(project: Path) -> dict[str, list[int]]:
    """What was there before the bake, as `mark` tells it; the notes are gone then."""
    file = project / NOTES
    if not file.exists():
        return {}
    notes: dict[str, list[int]] = json.loads(file.read_text(encoding="utf-8"))
    file.unlink()
    return notes


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


def template_folder() -> Path | None:
    """Where the template lies, which may be given relative to where the bake was started."""
    name = Path(ANSWERS.get("_repo_dir", ""))
    # cookiecutter stands in the template while a hook runs, and Linux tells where that is. PWD may
    # be of another folder where no shell has set it.
    parent = Path(f"/proc/{os.getppid()}/cwd").resolve()
    here = [parent] if name.name in ("", parent.name) and not name.is_absolute() else []
    started_in = (os.environ.get("PWD", ""), ANSWERS.get("_output_dir", ""))
    names = (name, ANSWERS.get("_template", ""))
    folders: list[Path] = [*here, *(Path(start, n) for n in names for start in started_in)]
    for folder in folders:
        if folder.is_absolute() and (folder / "cookiecutter.json").is_file():
            return folder.resolve()
    return None


def wheel(project: Path) -> Path:
    """The wheel that the project installs, with every command in it; an older one may lie beside.

    Raises:
        FileNotFoundError: there is none.
    """
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    for name in re.findall(r"vendor/modelmigrate-[^\"']+\.whl", text):
        file = project / str(name)
        if file.is_file():
            return file
    raise FileNotFoundError("vendor/ lacks the wheel of modelmigrate that pyproject.toml names")


def set_up(project: Path, *options: str) -> int:
    """Run the project's own `make setup`, from the wheel that it brings: nothing is installed yet."""
    from modelmigrate.isolation import isolated

    command = (sys.executable, "-m", "modelmigrate.service.setup", *options)
    here = isolated(PYTHONPATH=str(wheel(project)), MODELMIGRATE_PROJECT=str(project))
    # The child has a Ctrl-C, too, and is cleaning up.
    signal.signal(signal.SIGINT, lambda *_: None)
    return subprocess.run(command, cwd=project, env=here, check=False).returncode


def conclude(project: Path, by: str, code: int) -> int:
    """Say what comes next after a set-up that ended with this code; what cookiecutter is told."""
    if code == SCHEMA_REFUSED:
        who = by.split()[0]
        say(f"\n{who} removes the folder now, if it has made it. To keep it: {KEEP[by]}")
        return 1
    if code == INTERRUPTED:
        return 0  # the set-up has said all
    if code not in (DONE, INCOMPLETE):
        made = (".env", "uv.lock", ".venv", "migrations/atlas.sum", ".git")
        missing = ", ".join(name for name in made if not (project / name).exists())
        say(
            f"\nThe set-up ended with exit code {code}. The project is kept; missing: {missing or '?'}"
        )
    commands = "make migrate && make run" if code == DONE else "make setup, when that is fixed"
    say(f"\nNext: cd {project.name} && {commands}")
    if by == "cruft create":
        # .cruft.json appears only after this hook, and belongs into the first commit.
        say("      make setup   (once more: it makes the first commit, with .cruft.json in it)")
    return 0


def say(text: str) -> None:
    """Print at once, since the set-up is a process of its own and prints, too. A reader that has
    gone is no reason to end: cookiecutter would delete the project."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def remarks(unremembered: str) -> None:
    """Say what is as the user may not expect it."""
    if unremembered:
        say(f"  NOT DONE  updates     {unremembered}")
    taken = [value for key, value in TEMPLATES_AUTHOR.items() if ANSWERS[key] == value]
    if taken:
        fix = "if that is not you, edit pyproject.toml, LICENSE and .cruft.json"
        say(f"  NOTE      author      {' and '.join(taken)} is the template's default: {fix}")


def bake(project: Path, by: str) -> int:
    """All of it; the exit code for cookiecutter."""
    kept = take_notes(project)
    unremembered = ""
    try:
        if by != "render":
            sys.path.insert(0, str(wheel(project)))
        if by == "cookiecutter":
            from modelmigrate.service import link

            wanted = ANSWERS.get("_checkout")
            if wanted and not link.is_checked_out(template_folder(), wanted):
                problem = "cookiecutter ignores -c for a template in a folder or a zip"
                fix = f"run git checkout {wanted} in the template's folder first, and leave out -c"
                print(f"The project was not made: {problem}: {fix}", file=sys.stderr)
                return 1
            unremembered = link.remember(project, template_folder(), ANSWERS)
    finally:
        shape(project, kept)
    if by == "render":
        return 0
    if os.environ.get("TEMPLATE_SETUP", "yes") != "yes":
        remarks(unremembered)
        return 0
    say(f"Setting up {project.name}; the first time on a machine takes minutes:")
    code = set_up(project, "--new", *(["--no-commit"] if by == "cruft create" else []))
    remarks(unremembered)
    return conclude(project, by, code)


def main() -> int:
    project = Path.cwd().resolve()
    by = origin(project)
    try:
        return bake(project, by)
    except KeyboardInterrupt:
        problem = "stopped"
    except (ImportError, OSError, ValueError) as error:
        problem = " ".join(str(error).split())
    say(f"\n  NOT DONE  {problem}. The project is kept. Next: cd {project.name} && make setup")
    return int(by == "render")


if __name__ == "__main__":
    sys.exit(main())
