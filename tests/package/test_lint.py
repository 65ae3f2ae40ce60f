"""What a migration drops while programs run is found, whatever kind it is."""

from collections.abc import Iterator

import pytest

from tests.package.harness import Project, project_of

BASE = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE users (id integer PRIMARY KEY, nick text, mood mood);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION twice(x integer) RETURNS integer LANGUAGE sql AS 'SELECT 2 * x';
CREATE PROCEDURE refresh() LANGUAGE sql AS 'SELECT 1';
CREATE TRIGGER stamp BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE VIEW nicks AS SELECT id, nick FROM users;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM users;
CREATE EXTENSION pg_trgm;
"""
# What a migration does -> what it is said to drop.
DROPS = {
    "DROP VIEW nicks": ["VIEW public.nicks"],
    "DROP MATERIALIZED VIEW counted": ["MATERIALIZED VIEW public.counted"],
    "DROP FUNCTION twice": ["FUNCTION public.twice(integer)"],
    "DROP PROCEDURE refresh": ["PROCEDURE public.refresh()"],
    "DROP TRIGGER stamp ON users": ["TRIGGER public.users stamp"],
    "DROP EXTENSION pg_trgm": ["EXTENSION pg_trgm"],
    "ALTER TABLE users DROP mood; DROP TYPE mood": ["TYPE public.mood", "COLUMN public.users.mood"],
    "DROP TABLE users CASCADE": [
        "VIEW public.nicks", "TABLE public.users", "TRIGGER public.users stamp",
        "MATERIALIZED VIEW public.counted",
    ],
    "DROP VIEW nicks; CREATE VIEW nicks AS SELECT id FROM users": ["COLUMN public.nicks.nick"],
    "DROP FUNCTION twice; CREATE FUNCTION twice(x bigint) RETURNS bigint LANGUAGE sql AS 'SELECT x'": [
        "FUNCTION public.twice(integer)"
    ],
}  # fmt: skip
KEEPS = [
    "ALTER TABLE users ADD bio text",
    "CREATE OR REPLACE VIEW nicks AS SELECT id, nick, mood FROM users",
    "DROP VIEW nicks; CREATE VIEW nicks AS SELECT id, upper(nick) AS nick FROM users",
    "CREATE OR REPLACE FUNCTION twice(x integer) RETURNS integer LANGUAGE sql AS 'SELECT x + x'",
    "ALTER TABLE users RENAME nick TO handle",
    "ALTER TABLE users RENAME TO people",
    "ALTER VIEW nicks RENAME TO handles",
]


@pytest.fixture(scope="module")
def shared() -> Iterator[Project]:
    with project_of("lint") as made:
        made.add("20260101000000_base", BASE)
        yield made


@pytest.fixture
def project(shared: Project) -> Iterator[Project]:
    yield shared
    for file in shared.migrations.glob("*_next.sql"):
        file.unlink()


@pytest.mark.parametrize("statement", DROPS)
def test_what_is_dropped_is_named_until_that_is_allowed(project: Project, statement: str) -> None:
    project.add("20260102000000_next", f"{statement};\n")
    linted = project.run("lint")
    assert linted.code == 3
    found = [line.partition(" drops ")[2] for line in linted.err.splitlines() if " drops " in line]
    assert sorted(found) == sorted(DROPS[statement])
    allowed = "".join(f"-- lint:allow {each}\n" for each in found)
    project.add("20260102000000_next", f"{allowed}{statement};\n")
    assert project.run("lint").code == 0


@pytest.mark.parametrize("statement", KEEPS)
def test_what_is_added_replaced_or_renamed_is_not_called_dropped(
    project: Project, statement: str
) -> None:
    project.add("20260102000000_next", f"{statement};\n")
    linted = project.run("lint")
    assert linted.code == 0, linted.said
