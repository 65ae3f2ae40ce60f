"""Whatever `create` writes for a change of the models, the lint has nothing to say of it that a migration
could do without."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from modelmigrate.atlas.directory import read_migrations
from modelmigrate.lint.findings import find_all
from modelmigrate.lint.levels import level_of
from modelmigrate.lint.rule import Level
from modelmigrate.lint.rules import BY_NAME
from modelmigrate.lint.run import observe
from tests.package.harness import Project, begun_anew, project_with_models

TYPES = ("integer", "bigint", "text", "varchar(20)", "varchar(50)", "numeric(8, 2)", "boolean")
DEFAULTS = {"integer": "0", "bigint": "0", "text": "'a'", "boolean": "true", "numeric(8, 2)": "1.5"}
TEAMS = "CREATE TABLE teams (id integer PRIMARY KEY, name text);"


class Column(NamedTuple):
    """A column of the one table that changes."""

    name: str
    type: str
    required: bool
    default: bool

    @property
    def sql(self) -> str:
        default = (
            f" DEFAULT {DEFAULTS[self.type]}" if self.default and self.type in DEFAULTS else ""
        )
        return f"{self.name} {self.type}{default}{' NOT NULL' * self.required}"


class Models(NamedTuple):
    """What the models declare: columns, and which of them have an index, a key, a check or a reference."""

    columns: tuple[Column, ...]
    indexed: frozenset[str]
    unique: frozenset[str]
    checked: frozenset[str]
    refers: bool

    @property
    def statements(self) -> list[str]:
        names = {each.name for each in self.columns}
        items = ["id integer PRIMARY KEY", *(each.sql for each in self.columns)]
        items += [f"CONSTRAINT uq_{n} UNIQUE ({n})" for n in sorted(self.unique & names)]
        items += [
            f"CONSTRAINT ck_{n} CHECK ({n} IS NOT NULL)" for n in sorted(self.checked & names)
        ]
        if self.refers:
            items.append("team_id integer CONSTRAINT fk_team REFERENCES teams (id)")
        indexes = [f"CREATE INDEX ix_{n} ON users ({n});" for n in sorted(self.indexed & names)]
        return [TEAMS, f"CREATE TABLE users ({', '.join(items)});", *indexes]


NAMES = ("a", "b", "c")
some = st.frozensets(st.sampled_from(NAMES), max_size=2)
columns = st.tuples(
    *(
        st.none()
        | st.builds(Column, st.just(n), st.sampled_from(TYPES), st.booleans(), st.booleans())
        for n in NAMES
    )
).map(lambda found: tuple(filter(None, found)))
models = st.builds(Models, columns, some, some, some, st.booleans())


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    with project_with_models("safe") as made:
        yield made


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a case is small as it is, and takes a second to try
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(old=models, new=models)
def test_what_create_writes_is_safe_or_has_no_safe_form(
    project: Project, old: Models, new: Models
) -> None:
    with pytest.MonkeyPatch.context() as patch, begun_anew(project, patch):
        project.add("20260101000000_old", "\n".join(old.statements))
        (project.folder / "schema.sql").write_text("\n\n".join(new.statements))
        created = project.run("create", message="next", rename="none")
        assert created.code == 0, created.said
        migrations = read_migrations()
        if len(migrations) == 1:
            return
        files = [each for each in observe(migrations, migrations[1:]) if not each.is_down]
        found = find_all(files, level_of(None), {})
        unsafe = [
            each for each in found if each.level > Level.NOTE and BY_NAME[each.rule].has_safe_form
        ]
        texts = "\n".join(each.sql for each in migrations[1:])
        assert not unsafe, f"{unsafe}\n{texts}"
