"""Images without Docker: what a Dockerfile says is done in a folder, by its own words."""

import json
import os
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.conftest import run

Instructions = list[tuple[str, str]]


def instructions(dockerfile: Path) -> Instructions:
    text = re.sub(r"\\\n\s*", "", dockerfile.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def stages(dockerfile: Path) -> dict[str, Instructions]:
    """The instructions of each stage, by its name; the last is what `docker build` makes."""
    found: dict[str, Instructions] = {}
    for word, rest in instructions(dockerfile):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = list(found.get(base, []))
        elif found:
            next(reversed(found.values())).append((word, rest))
    return found


class Image(NamedTuple):
    """What a container would be started from."""

    app: Path
    """Its working directory."""
    command: list[str]
    environment: dict[str, str]


def build(project: Path, stage: str, folder: Path, given: Mapping[str, Path]) -> Image:
    """Make a stage of a project's Dockerfile in `folder`. Those that it copies from come first, in the
    very same place, whose path is in their scripts; `given` are files of other images."""
    made = stages(project / "Dockerfile")
    app = folder / "app"
    shutil.rmtree(app, ignore_errors=True)
    sources = {
        name: build(project, name, folder, given).app.rename(folder / name)
        for name in re.findall(r"--from=(\S+)", json.dumps(made[stage]))
        if made[name]
    }
    app.mkdir(parents=True)
    command: list[str] = []
    environment = {"PATH": os.defpath}
    for word, rest in made[stage]:
        match word:
            case "COPY":
                *names, target = shlex.split(rest)
                origin = project
                if names[0].startswith("--from="):
                    origin = sources.get(names.pop(0).removeprefix("--from="), folder)
                for name in names:
                    source = given.get(name) or origin / name.removeprefix("/app/")
                    # The name of what is copied may be another one, that of a given file.
                    place = app / (Path(name).name if target == "./" else target)
                    run("cp", "-RP", source, place, at=app).check_returncode()
            case "RUN" if rest.startswith("uv "):  # which is here already
                run(*shlex.split(rest), at=app).check_returncode()
            case "ENV":
                for setting in shlex.split(rest):
                    name, _, value = setting.partition("=")
                    value = value.replace("$PATH", environment["PATH"])
                    environment[name] = value.replace("/app", str(app))
            case "CMD":
                command = json.loads(rest)
    return Image(app, command, environment)
