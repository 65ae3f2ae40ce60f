"""What Atlas compares of a large schema: what changed, and what that needs."""

import pytest

from modelmigrate.atlas import commands
from modelmigrate.atlas.directory import update_checksums
from modelmigrate.planning import atlas_plan, excerpt
from tests.package.harness import Project, execute

MOOD = "CREATE TYPE mood AS ENUM ('sad', 'ok');"
MANY = [
    "CREATE TABLE t0 (id INTEGER NOT NULL, PRIMARY KEY (id));",
    *(
        f"CREATE TABLE t{n} (id INTEGER NOT NULL, t INTEGER, PRIMARY KEY (id),"
        f" CONSTRAINT fk_t{n} FOREIGN KEY (t) REFERENCES t{n - 1} (id));"
        for n in range(1, 90)
    ),
]
DAYS = (
    "CREATE TABLE days (id INTEGER NOT NULL, mood mood, t INTEGER, PRIMARY KEY (id),"
    " CONSTRAINT fk_days FOREIGN KEY (t) REFERENCES t50 (id));"
)
COUNT = (
    "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
PART = "CREATE TABLE days (id INTEGER NOT NULL) PARTITION BY RANGE (id);"


def planned(project: Project, monkeypatch: pytest.MonkeyPatch, spared: int) -> tuple[str, set[int]]:
    """What `create` plans with this MIN_SPARED, which is taken away again; and how many tables the
    databases had that Atlas compared."""
    seen: set[int] = set()

    def counting(current_url: str, desired_url: str, *others: set[str]) -> list[str]:
        for url in (current_url, desired_url):
            [(count,)] = execute(url, COUNT)
            seen.add(count)
        return commands.diff_databases(current_url, desired_url, *others)

    monkeypatch.setattr(atlas_plan, "diff_databases", counting)
    monkeypatch.setattr(excerpt, "MIN_SPARED", spared)
    before = project.names()
    ran = project.run("create", message="change")
    assert ran.code == 0, ran.said
    written = [name for name in project.names() if name not in before]
    text = "".join((project.migrations / name).read_text(encoding="utf-8") for name in written)
    for name in written:
        (project.migrations / name).unlink()
        (project.migrations / "down" / name).unlink()
    update_checksums()
    return text, seen


CHANGES = {
    "a column, with a type and a foreign key": (
        [MOOD, *MANY, DAYS],
        [MOOD, *MANY, DAYS.replace("mood mood,", "mood mood NOT NULL, was mood,")],
        2,
    ),
    "a value of an enum": ([MOOD, *MANY, DAYS], [MOOD.replace("'ok'", "'ok', 'fine'"), *MANY, DAYS], 0),
    "a table comes": ([MOOD, *MANY], [MOOD, *MANY, DAYS], 2),
    "a table goes": ([MOOD, *MANY, DAYS], [MOOD, *MANY], 2),
    "an index of a table that others refer to": (
        [MOOD, *MANY], [MOOD, *MANY, "CREATE UNIQUE INDEX ix_t7 ON t7 (t);"], 2,
    ),
    "a table that shares its columns": (
        [*MANY, PART], [*MANY, PART.replace(") P", ", n INTEGER) P")], 90,
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_atlas_compares_what_changed_and_what_that_needs_and_plans_the_same(
    project: Project, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    old, new, tables = CHANGES[change]
    models = project.folder / "schema.sql"
    models.write_text("\n\n".join(old), encoding="utf-8")
    assert project.run("create", message="initial").code == 0
    models.write_text("\n\n".join(new), encoding="utf-8")
    text, compared = planned(project, monkeypatch, excerpt.MIN_SPARED)
    assert max(compared) == tables
    whole, compared = planned(project, monkeypatch, 1000)
    assert min(compared) >= 90
    assert text == whole != ""
