"""A corpus of changes, each as a migration there and back, some as changes by hand, too."""

from collections.abc import Callable, Iterator

import pytest

from tests.package.corpus import Case, batches, read_cases
from tests.package.corpus.judge import judge_as_drift, judge_as_migration
from tests.package.harness import Project, project_with_models

CASES = read_cases()
TOGETHER = 16
EVERY = 5  # one of so many is adopted, too; benchmarks/corpus.py adopts all of them


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    with project_with_models("corpus") as made:
        yield made


def grouped(cases: list[Case], *, adopted: bool = False) -> list[object]:
    """The groups that are told together; what is known to be wrong is alone, as a strict xfail."""
    return [
        pytest.param(
            group,
            id="; ".join(case.title for case in group),
            marks=[pytest.mark.xfail(reason=group[0].known, strict=True)] * bool(group[0].known),
        )
        for group in batches(cases, TOGETHER, adopted=adopted)
    ]


def judged(
    judge: Callable[[Project, list[Case]], None], project: Project, cases: list[Case]
) -> None:
    """Judge a group; where it fails, the cases that fail on their own."""
    try:
        judge(project, cases)
    except AssertionError as error:
        reasons = [str(error)]
        for case in cases if len(cases) > 1 else []:
            try:
                judge(project, [case])
            except AssertionError as own:
                reasons.append(f"{case.title}: {own}")
        pytest.fail("\n\n".join(reasons))


@pytest.mark.parametrize("cases", grouped(CASES))
def test_a_change_leads_there_with_its_rows_and_back(project: Project, cases: list[Case]) -> None:
    judged(judge_as_migration, project, cases)


ADOPTED = [case for case in CASES[::EVERY] if case.can_drift]


@pytest.mark.parametrize("cases", grouped(ADOPTED, adopted=True))
def test_a_change_by_hand_is_named_adopted_and_taken_back(
    project: Project, cases: list[Case]
) -> None:
    judged(judge_as_drift, project, cases)


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    assert len(CASES) >= 300
    assert len({case.title for case in CASES}) == len(CASES)
