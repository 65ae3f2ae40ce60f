"""The commands in a project of many migrations against the same one with few: equal schemas, replayed before.

Run by `make benchmark`.
"""

import argparse
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.schema import CREATE, OURS, bake, in_memory, prepared, run, write_models

FEW, MANY = 10, 1000
ROUNDS = 5
COMMANDS = {
    "create": (*OURS, "create", "add one"),
    "status": (*OURS, "status"),
    "validate": (*OURS, "validate"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    measured: dict[tuple[str, int], list[float]] = defaultdict(list)
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(dir=in_memory())))
        folder.chmod(0o755)  # a database server without privileges has to reach what lies in here
        projects = {
            count: opened.enter_context(project_of(count, folder / str(count)))
            for count in (FEW, MANY)
        }
        for number in range(-1, rounds):  # the first one warms the caches
            for name, command in COMMANDS.items():
                for count in (FEW, MANY) if number % 2 else (MANY, FEW):
                    side = CREATE if name == "create" else name
                    with prepared(projects[count], side, "ours"):
                        took = run(projects[count], *command)
                    measured[name, count] += [took.seconds] * (number >= 0)
    print(file=sys.stderr)
    for name in COMMANDS:
        many, few = (measured[name, count] for count in (MANY, FEW))
        ratio = statistics.median(a / b for a, b in zip(many, few, strict=True))
        both = f"{statistics.median(many):.2f} s and {statistics.median(few):.2f} s"
        print(f"{name:<9} {MANY} and {FEW} migrations   {both}   ratio {ratio:.2f}")


@contextmanager
def project_of(migrations: int, folder: Path) -> Iterator[Path]:
    """A generated project with so many migrations, applied to its database."""
    project = bake(folder)
    write_models(project / "src/domain/models", 1)
    try:
        run(project, *OURS, "create", "initial")
        made = datetime.now(UTC)
        for number in range(migrations - 1):
            comment = f"'{number}'" if number < migrations - 2 else "NULL"
            text = f"COMMENT ON TABLE users IS {comment};\n"
            name = f"{made + timedelta(seconds=number + 1):%Y%m%d%H%M%S}_comment.sql"
            for file in (project / "migrations" / name, project / "migrations/down" / name):
                file.write_text(text)
        run(project, *OURS, "hash")
        run(project, *OURS, "apply")
        yield project
    finally:
        run(project, *OURS, "db", "stop")


if __name__ == "__main__":
    main()
