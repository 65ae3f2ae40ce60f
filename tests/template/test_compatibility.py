"""Projects of the last published version can take in this tree."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.template import published

DOCUMENTS = ["CHANGELOG.md", "UPGRADING.md"]
Change = Callable[[Any], object]

# What must never happen to the questions, the skip list or the version -> what is said of it.
VIOLATIONS: dict[str, Change] = {
    "license is gone": lambda now: now["questions"].pop("license"),
    "author_name is gone, or has another name": lambda now: now["questions"].update(
        author=now["questions"].pop("author_name")
    ),
    "ci_provider has lost its choice circleci": lambda now: now["questions"]["ci_provider"].pop(),
    "kubernetes was a bool and is a list": lambda now: now["questions"].update(
        kubernetes=["no", "yes"]
    ),
    "license was a list and is a str": lambda now: now["questions"].update(license="MIT"),
    "team is new and has no default": lambda now: now["questions"].update(team=""),
    "migrations is skipped no longer": lambda now: now["skip"].remove("migrations"),
    "version 0.0.9 is older": lambda now: now.update(version="0.0.9"),
}
# What may.
GROWTH: dict[str, Change] = {
    "a question with a default": lambda now: now["questions"].update(team="core"),
    "a flag": lambda now: now["questions"].update(tracing=False),
    "a choice": lambda now: now["questions"]["license"].append("MPL-2.0"),
    "another default": lambda now: now["questions"].update(author_name="Grace Hopper"),
    "a version": lambda now: now.update(version="0.10.0"),
    "a path to skip": lambda now: now["skip"].append("seeds"),
}


def changed(change: Change) -> published.Promises:
    now = copy.deepcopy(published.today())
    change(now)
    return now


def test_projects_of_the_published_version_can_be_updated_to_this_tree() -> None:
    assert published.broken(published.published(), published.today()) == []


@pytest.mark.parametrize("complaint", VIOLATIONS)
def test_what_would_end_updates_is_noticed(complaint: str) -> None:
    [said] = published.broken(published.today(), changed(VIOLATIONS[complaint]))
    assert complaint in said


@pytest.mark.parametrize("name", GROWTH)
def test_growth_is_allowed(name: str) -> None:
    assert published.broken(published.today(), changed(GROWTH[name])) == []


def test_answers_that_were_accepted_once_and_are_refused_now_are_noticed() -> None:
    was = changed(lambda was: was["questions"].update(author_email="ada at example.com"))
    [said] = published.broken(was, published.today())
    assert "author_email" in said


def test_a_new_default_that_the_hook_refuses_is_noticed() -> None:
    was = changed(lambda was: was["questions"].pop("description"))
    now = changed(lambda now: now["questions"].update(description="two\nlines"))
    [said] = published.broken(was, now)
    assert "description holds line breaks" in said


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_version_is_told_of(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert published.untold(published.today()["version"], text) == []


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("# Changelog\n", "its newest section is []"),
        ("## 0.1.0\n", "its newest section is ['0.1.0'], and the version is 0.2.0"),
        ("## 0.1.0\n\n## 0.2.0\n", "its newest section"),
        ("## 0.2.0\n\n## 0.9.0\n\n## 0.10.0\n", "do not fall"),
        ("## 0.2.0\n\n## 0.2.0\n", "do not fall"),
    ],
)
def test_a_version_that_is_not_told_of_is_noticed(document: str, complaint: str) -> None:
    [said] = published.untold("0.2.0", document)
    assert complaint in said


def test_the_record_is_renewed_only_if_it_keeps_what_it_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "published.json"
    monkeypatch.setattr(published, "RECORD", record)
    asked_more = changed(lambda was: was["questions"].update(gone="was asked once"))
    record.write_text(json.dumps(asked_more), encoding="utf-8")
    assert published.main() == 1
    assert "gone is gone" in capsys.readouterr().err
    assert published.published() == asked_more

    asked_less = changed(lambda was: was["questions"].pop("license"))
    record.write_text(json.dumps(asked_less), encoding="utf-8")
    assert published.main() == 0
    assert published.published() == published.today()
