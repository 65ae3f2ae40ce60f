"""What the last published version promised its projects, and whether this tree keeps it.

`python -m tests.template.published` renews the record, `published.json`, when a version is published.
"""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import TypedDict

from cookiecutter.prompt import prompt_for_config

from tests.conftest import ROOT, TREE
from tests.template.hooks import load_hook

RECORD = Path(__file__).with_name("published.json")


class Promises(TypedDict):
    version: str
    questions: dict[str, object]
    skip: list[str]


def today() -> Promises:
    """What this tree would promise if it were published."""
    asked = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    template = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))
    return {
        "version": template["project"]["version"],
        "questions": {name: ask for name, ask in asked.items() if not name.startswith("_")},
        "skip": project["tool"]["cruft"]["skip"],
    }


def published() -> Promises:
    record: Promises = json.loads(RECORD.read_text(encoding="utf-8"))
    return record


def broken(was: Promises, now: Promises) -> list[str]:
    """Why projects of `was` could not be updated to `now`; empty when they can."""
    asked, asks = was["questions"], now["questions"]
    found = [p for name in asked for p in question_problems(name, asked[name], asks.get(name))]
    found += [
        f"{name} is new and has no default: updates do not ask"
        for name in asks
        if name not in asked and asks[name] in ("", [], None)
    ]
    found += [
        f"{path} is skipped no longer: updates would write to it"
        for path in was["skip"]
        if path not in now["skip"]
    ]
    if numbers(now["version"]) < numbers(was["version"]):
        found.append(f"version {now['version']} is older than {was['version']}, published before")
    return found or refusals(was, now)


def question_problems(name: str, was: object, now: object) -> list[str]:
    if now is None:
        return [f"{name} is gone, or has another name"]
    if type(was) is not type(now):
        return [f"{name} was a {type(was).__name__} and is a {type(now).__name__}"]
    if isinstance(was, list) and isinstance(now, list):
        return [f"{name} has lost its choice {choice}" for choice in was if choice not in now]
    return []


def refusals(was: Promises, now: Promises) -> list[str]:
    """What `pre_gen` says to the earlier defaults, with today's for what was not asked then."""
    typed = {name: ask for name, ask in was["questions"].items() if isinstance(ask, str)}
    answers = prompt_for_config({"cookiecutter": now["questions"] | typed}, no_input=True)
    found: list[str] = load_hook("pre_gen_project", answers).problems(answers)
    return found


def untold(version: str, document: str) -> list[str]:
    """What is wrong with a document that has a section for each version, newest first."""
    told = re.findall(r"^## (\d+\.\d+\.\d+)$", document, re.MULTILINE)
    if version not in told[:1]:
        return [f"its newest section is {told[:1]}, and the version is {version}"]
    if told != sorted(set(told), key=numbers, reverse=True):
        return [f"its sections do not fall from the newest to the oldest: {told}"]
    return []


def numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def main() -> int:
    problems = broken(published(), today())
    if problems:
        print("The record was not renewed:", *problems, sep="\n  - ", file=sys.stderr)
        return 1
    RECORD.write_text(json.dumps(today(), indent=2) + "\n", encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
