"""What our lint, squawk and free Atlas find of the corpus in tests/package/lint_corpus/.

A hazard counts as caught where something is reported at its statement, for whatever reason; a safe migration
counts as a false alarm where anything is. squawk is told the rules of style and timeouts off, which it reports
of every file, and that the file is one transaction. Atlas is the one that the schema commands use; the official
binary lints for those alone who have logged in. Run by `make benchmark`.
"""

import argparse
import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from modelmigrate.atlas.binary import atlas_binary
from modelmigrate.lint.findings import find_all
from modelmigrate.lint.levels import level_of
from modelmigrate.lint.observe import Observer, split_with_lines
from modelmigrate.postgres.scratch import scratch_database

CORPUS = Path(__file__).resolve().parents[1] / "tests/package/lint_corpus"
EXPECTED = re.compile(r" *--! .+$", re.MULTILINE)
SQUAWK = ("uvx", "--from", "squawk-cli==2.70.0", "squawk")
STYLE = [
    "ban-char-field",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-robust-stmts",
    "prefer-text-field",
    "prefer-timestamptz",
    "require-enum-value-ordering",
    "require-lock-timeout",
    "require-statement-timeout",
]


class Case(NamedTuple):
    """A migration of the corpus, and the lines of its hazards: none where it is safe."""

    title: str
    text: str
    lines: list[int]


Lint = Callable[[Path, str, str], set[int]]


def cases(file: Path) -> list[Case]:
    """Those of a file of the corpus."""
    parts = re.split(r"^=== (.+)\n", file.read_text(), flags=re.MULTILINE)
    return [
        Case(
            title,
            EXPECTED.sub("", text),
            [n for n, line in enumerate(text.splitlines(), 1) if "--! " in line],
        )
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    ]


def ours(_name: Path, schema: str, text: str) -> set[int]:
    """The lines that our lint reports."""
    with scratch_database(schema) as url, Observer(url) as observer:
        found = find_all([observer.run("next.sql", text)], level_of(None), {})
        return {each.line for each in found if not each.allowed}


def squawk(_name: Path, _schema: str, text: str) -> set[int]:
    """The lines that squawk reports."""
    with folder({"next.sql": text}) as path:
        inside = () if text.startswith("-- atlas:txmode none\n\n") else ("--assume-in-transaction",)
        options = (*inside, "--pg-version=18", "--reporter=json", f"--exclude={','.join(STYLE)}")
        ran = subprocess.run(
            [*SQUAWK, *options, str(path / "next.sql")], capture_output=True, text=True, check=False
        )
    return {each["line"] + 1 for each in json.loads(ran.stdout)}


def atlas(name: Path, _schema: str, text: str) -> set[int]:
    """The lines that Atlas reports."""
    base = (name / "schema.sql").read_text()
    files = {"20260101000000_base.sql": base, "20260102000000_next.sql": text}
    with folder(files) as path, scratch_database() as url:
        directory = ("--dir", f"file://{path}")
        subprocess.run([atlas_binary(), "migrate", "hash", *directory], check=True)
        ran = subprocess.run(
            [
                *(str(atlas_binary()), "migrate", "lint", *directory, "--dev-url", url),
                *("--latest", "1", "--format", "{{ json .Files }}"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    found = set()
    for file in json.loads(ran.stdout or "null") or []:
        if file.get("Error"):
            found.add(0)
        for report in file.get("Reports", ()):
            for each in report.get("Diagnostics", ()):
                found.add(text.encode()[: each["Pos"]].decode(errors="ignore").count("\n") + 1)
    return found


@contextmanager
def folder(files: dict[str, str]) -> Iterator[Path]:
    """A folder with these files."""
    with tempfile.TemporaryDirectory() as path:
        for name, text in files.items():
            (Path(path) / name).write_text(text)
        yield Path(path)


def statement_of(text: str, line: int) -> int:
    """The line that the statement begins on which this line is of."""
    begins = [each for _, each in split_with_lines(text)]
    return max((each for each in begins if each <= line), default=begins[0] if begins else 0)


class Score(NamedTuple):
    """Hazards that are caught, all of them, and safe migrations with an alarm, and all of those."""

    caught: int
    hazards: int
    alarms: int
    safe: int


def score(lint: Lint, name: Path, schema: str, *, verbose: bool) -> Score:
    """How a lint does on one schema of the corpus."""
    caught = hazards = 0
    for case in cases(name / "hazards.sql"):
        found = {statement_of(case.text, line) for line in lint(name, schema, case.text)}
        for line in case.lines:
            hazards += 1
            caught += statement_of(case.text, line) in found
            if verbose and statement_of(case.text, line) not in found:
                print(f"  missed by {lint.__name__}: {case.title}, line {line}")
    safe = cases(name / "safe.sql")
    alarms = [case.title for case in safe if lint(name, schema, case.text)]
    if verbose:
        print(*(f"  false alarm of {lint.__name__}: {each}" for each in alarms), sep="\n")
    return Score(caught, hazards, len(alarms), len(safe))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--verbose", action="store_true", help="name what is missed, and false alarms"
    )
    verbose = parser.parse_args().verbose
    from tests.package.harness import execute, project_of

    print(f"{'schema':12} {'lint':8} caught of hazards, false alarms of safe migrations")
    with project_of("lint"):
        for name in sorted(CORPUS.iterdir()):
            with scratch_database() as schema:
                execute(schema, (name / "schema.sql").read_text())
                for lint in (ours, squawk, atlas):
                    found = score(lint, name, schema, verbose=verbose)
                    print(f"{name.name:12} {lint.__name__:8}", *found)


if __name__ == "__main__":
    main()
