"""Pipelines without their clouds: jobs as a project's YAML has them, and their steps run as a runner would."""

import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FILES = {
    "github": [f".github/workflows/{name}.yml" for name in ("ci", "release", "scheduled")],
    "gitlab": [".gitlab-ci.yml"],
    "circleci": [".circleci/config.yml"],
}
# How each starts a script: GitHub with and without `shell: bash`, GitLab's runner, CircleCI.
PLAIN, BASH, STRICT = (("bash", "-e"), ("bash", "-eo", "pipefail"), ("bash", "-eo", "pipefail"))
GITLAB_WORDS = {"stages", "default", "workflow", "include", "variables"}
EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")
PARAMETER = re.compile(r"<< (.+?) >>")
# What is to be known of a step's condition: it runs where the ones before it failed, too.
ALWAYS = re.compile(r"always|!cancelled\(\).*")

Known = Mapping[str, str]
"""What a provider would put in for an expression, a parameter or a variable of its own."""


class Step(NamedTuple):
    """What is given to a shell."""

    script: str
    shell: tuple[str, ...]
    env: dict[str, str] = {}  # noqa: RUF012 it is never changed
    condition: str = ""
    id: str = ""


class Job(NamedTuple):
    """The steps of a job, and its environment."""

    provider: str
    name: str
    steps: list[Step]
    env: dict[str, str]
    image: str = ""


def jobs(project: Path, provider: str) -> dict[str, Job]:
    """All jobs that a project has for a provider; hidden ones of GitLab are parts of others."""
    loaded = [
        yaml.safe_load((project / file).read_text(encoding="utf-8")) for file in FILES[provider]
    ]
    found = [job for config in loaded for job in READERS[provider](config)]
    assert len({job.name for job in found}) == len(found), "jobs are known by their names"
    return {job.name: job for job in found}


def of_github(config: dict[str, Any]) -> Iterator[Job]:
    for name, job in config["jobs"].items():
        steps = [
            Step(
                step["run"],
                {None: PLAIN, "bash": BASH}[step.get("shell")],
                step.get("env", {}),
                EXPRESSION.sub(r"\1", str(step.get("if", ""))),
                step.get("id", ""),
            )
            for step in job["steps"]
            if "run" in step
        ]
        yield Job("github", name, steps, job.get("env", {}))


def of_gitlab(config: dict[str, Any]) -> Iterator[Job]:
    def whole(job: dict[str, Any]) -> dict[str, Any]:
        base = whole(config[job["extends"]]) if "extends" in job else {}
        variables = {**base.get("variables", {}), **job.get("variables", {})}
        return {**base, **job, "variables": variables}

    for name, job in config.items():
        if name in GITLAB_WORDS or name.startswith("."):
            continue
        made = whole(job)
        lines = [*made.get("before_script", []), *made.get("script", [])]
        # All lines are one script; that of an included template is GitLab's own.
        steps = [Step("\n".join(lines), STRICT)] if "script" in made else []
        environment = made.get("environment", {})
        named = environment if isinstance(environment, str) else environment.get("name", "")
        variables = (
            {**made["variables"], "CI_ENVIRONMENT_NAME": named} if named else made["variables"]
        )
        yield Job("gitlab", name, steps, {key: str(value) for key, value in variables.items()})


def of_circleci(config: dict[str, Any]) -> Iterator[Job]:
    def steps(listed: Iterable[Any]) -> Iterator[Step]:
        for step in listed:
            if step in config["commands"] if isinstance(step, str) else False:
                yield from steps(config["commands"][step]["steps"])
            elif isinstance(step, dict) and "run" in step:
                run = step["run"] if isinstance(step["run"], dict) else {"command": step["run"]}
                yield Step(run["command"], STRICT, condition=run.get("when", ""))

    for name, job in config["jobs"].items():
        executor = config["executors"].get(job.get("executor"), {})
        env = {**executor.get("environment", {}), **job.get("environment", {})}
        yield Job("circleci", name, list(steps(job["steps"])), env)


READERS: dict[str, Callable[[dict[str, Any]], Iterator[Job]]] = {
    "github": of_github,
    "gitlab": of_gitlab,
    "circleci": of_circleci,
}


class Ran(NamedTuple):
    """What came of a job."""

    codes: list[int]
    """The exit code of each step; -1 where it was left out."""
    said: str

    @property
    def failed(self) -> bool:
        return any(code > 0 for code in self.codes)


def fill(text: str, known: Known) -> str:
    """A value with all that its provider puts in; what is not known is an error, so that nothing is
    forgotten."""
    for pattern in (EXPRESSION, PARAMETER):
        text = pattern.sub(lambda found: known[found[1]], text)
    return text


def run_job(job: Job, project: Path, known: Known, environment: Mapping[str, str]) -> Ran:
    """Run the steps of a job in a project: a step after a failed one only where it says so."""
    codes: list[int] = []
    said: list[str] = []
    outcomes = dict(known)
    env = dict(environment)
    for name, value in job.env.items():
        env[name] = env.get(name) or expand(fill(value, known), env)
    for step in job.steps:
        failed = any(code > 0 for code in codes)
        if (failed and not ALWAYS.fullmatch(step.condition)) or not holds(step.condition, project):
            codes.append(-1)
            outcomes[f"steps.{step.id}.outcome"] = "skipped"
            continue
        own = {name: fill(value, outcomes) for name, value in step.env.items()}
        done = subprocess.run(
            [*step.shell, "-c", fill(step.script, known)], cwd=project, env=env | own,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stdout, done.stdout
        codes.append(done.returncode)
        said.append(f"$ {step.script}\n{done.stdout}")
        outcomes[f"steps.{step.id}.outcome"] = "failure" if done.returncode else "success"
    return Ran(codes, "".join(said))


def holds(condition: str, project: Path) -> bool:
    """Whether a step's condition on files holds."""
    found = re.fullmatch(r"hashFiles\('(.+)'\) != ''", condition)
    return not found or (project / found[1]).exists()


def expand(text: str, env: Mapping[str, str]) -> str:
    """A variable of GitLab's with the variables that are in it."""
    return re.sub(r"\$\{?(\w+)\}?", lambda found: env.get(found[1], ""), text)


def stand_in(folder: Path, name: str, script: str) -> None:
    """A program that takes notes of its calls in `$CALLS`, and does what the script says."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f'#!/bin/sh\necho "{name} $*" >> "$CALLS"\n{script}\n', encoding="utf-8")
    file.chmod(0o755)
