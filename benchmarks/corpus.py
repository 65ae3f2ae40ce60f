"""Run the whole corpus of changes in both directions, and print what came of each kind.

`python benchmarks/corpus.py` takes a while: `--only WORDS` takes the cases whose titles match, and
`--direction migration` or `drift` one of the directions. What went otherwise than expected goes to stderr.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import psycopg

from modelmigrate.errors import MigrateError
from tests.package.corpus import Case, batches, read_cases
from tests.package.corpus.judge import CrashError, WrongError, judge_as_drift, judge_as_migration
from tests.package.harness import Project, project_with_models

VERDICTS = ("exact", "refused", "lossy", "wrong", "crash")
TOGETHER = 16
Judge = Callable[[Project, list[Case]], None]
DIRECTIONS: dict[str, Judge] = {"migration": judge_as_migration, "drift": judge_as_drift}


def main() -> int:
    """Run what was asked for; whether all came out as expected."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="a pattern for titles, as `columns: .* comes`")
    parser.add_argument("--direction", choices=DIRECTIONS, help="[default: both]")
    given = parser.parse_args()
    cases = [case for case in read_cases() if re.search(given.only, case.title)]
    unexpected = 0
    with project_with_models("corpus") as project:
        for direction in [given.direction] if given.direction else DIRECTIONS:
            chosen = (
                cases if direction == "migration" else [case for case in cases if case.can_drift]
            )
            found: Counter[tuple[str, str]] = Counter()
            for group in batches(chosen, TOGETHER, adopted=direction == "drift"):
                for case, (verdict, reason) in verdicts(DIRECTIONS[direction], project, group):
                    found[case.kind, verdict] += 1
                    if bool(reason) != bool(case.known):
                        unexpected += 1
                        told = reason or f"known to be wrong, but is not: {case.known}"
                        print(f"\n{direction}: {case.title}: {verdict}\n{told}", file=sys.stderr)
            print_table(direction, found)
    return unexpected != 0


def verdicts(
    judge: Judge, project: Project, group: list[Case]
) -> list[tuple[Case, tuple[str, str]]]:
    """The verdict on each case, and the reason where it is not what was expected."""
    try:
        judge(project, group)
    except WrongError as error:
        failed = "wrong", str(error)
    except (CrashError, MigrateError, psycopg.Error) as error:
        failed = "crash", f"{type(error).__name__}: {error}"
    else:
        return [(case, (expected(judge, case), "")) for case in group]
    if len(group) == 1:
        return [(group[0], failed)]
    middle = len(group) // 2
    halves = group[:middle], group[middle:]
    found = [each for half in halves for each in verdicts(judge, project, half)]
    if not any(reason for _, (_, reason) in found):
        titles = "; ".join(case.title for case in group)
        print(f"\nonly together: {titles}: {failed[0]}\n{failed[1]}", file=sys.stderr)
    return found


def expected(judge: Judge, case: Case) -> str:
    """The verdict on a case that came out as it says."""
    if case.refused if judge is judge_as_migration else case.adopt_refused:
        return "refused"
    lossy = case.loss or case.changes or case.changes_for_good
    return "lossy" if lossy and judge is judge_as_migration else "exact"


def print_table(direction: str, found: Counter[tuple[str, str]]) -> None:
    """Print how many cases of each kind came to each verdict."""
    print(f"\n{f'as {direction}':<20}" + "".join(f"{each:>9}" for each in VERDICTS))
    for kind in [*sorted({kind for kind, _ in found}), "all"]:
        counts = [
            sum(n for (of, verdict), n in found.items() if kind in (of, "all") and verdict == each)
            for each in VERDICTS
        ]
        print(f"{kind:<20}" + "".join(f"{count or '':>9}" for count in counts), flush=True)


if __name__ == "__main__":
    sys.exit(main())
