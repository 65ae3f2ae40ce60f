"""Whatever is changed by hand in a live database is found, named, and kept or undone on demand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelmigrate.atlas.directory import read_migrations
from modelmigrate.planning.contents import read_contents
from modelmigrate.postgres.connection import url_of_database
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import replay_migrations
from tests.package.harness import Project, execute, project_of

BASE = Path(__file__).with_name("schema_base.sql").read_text(encoding="utf-8")
VERSION = "20260101000000"

# What only some of the changes need.
MORE = """
    CREATE TABLE tickets (id serial PRIMARY KEY);
    CREATE TABLE kinds (id integer);
    CREATE VIEW lately AS SELECT 1 AS id;
    CREATE MATERIALIZED VIEW rarely AS SELECT 1 AS id;
    CREATE FUNCTION secret() RETURNS integer LANGUAGE sql AS 'SELECT 1';
    REVOKE ALL ON FUNCTION secret() FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION secret() TO clerk;
    GRANT SELECT ON roots TO clerk;
    GRANT SELECT ON roots TO pg_monitor;"""
# Each kind of change -> its SQL, and the object that has to be named.
CHANGES = {
    "a column": ("ALTER TABLE users ADD phone text", "TABLE public.users"),
    "an index": ("CREATE INDEX users_seen ON users (seen)", "INDEX public.users_seen"),
    "a default": ("ALTER TABLE users ALTER age SET DEFAULT 21", "TABLE public.users"),
    "a primary key": (
        "ALTER TABLE plain ADD PRIMARY KEY (a)",
        "CONSTRAINT public.plain plain_pkey",
    ),
    "a comment": ("COMMENT ON TABLE users IS 'people'", "COMMENT TABLE public.users"),
    "a table": ("CREATE TABLE leftover (id integer)", "TABLE public.leftover"),
    "an enum": ("CREATE TYPE colour AS ENUM ('red')", "TYPE public.colour"),
    "an exclusion": (
        "ALTER TABLE plain ADD CONSTRAINT apart EXCLUDE USING gist (during WITH &&)",
        "CONSTRAINT public.plain apart",
    ),
    "a type with its collation": (
        'ALTER TABLE teams ALTER motto TYPE varchar(300) COLLATE "C"',
        "TABLE public.teams",
    ),
    "a view": (
        "CREATE OR REPLACE VIEW adults AS SELECT id, email, age FROM users WHERE age >= 21",
        "VIEW public.adults",
    ),
    "a materialized view": (
        "CREATE MATERIALIZED VIEW big AS SELECT * FROM teams",
        "MATERIALIZED VIEW public.big",
    ),
    "a function": (
        "CREATE OR REPLACE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql IMMUTABLE"
        " AS 'SELECT 3 * a'",
        "FUNCTION public.twice(integer)",
    ),
    "a trigger": ("ALTER TABLE users DISABLE TRIGGER stamp", "TRIGGER public.users stamp"),
    "a domain": ("CREATE DOMAIN short AS varchar(5)", "DOMAIN public.short"),
    "a sequence": ("CREATE SEQUENCE invoice", "SEQUENCE public.invoice"),
    "a policy": (
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON users USING (true)",
        "POLICY public.users mine",
    ),
    "a grant": ("GRANT SELECT ON users TO clerk", "ACL TABLE public.users"),
    "a fill factor": ("ALTER TABLE users SET (fillfactor = 70)", "TABLE public.users"),
    "an owner": ("ALTER TABLE teams OWNER TO clerk", "OWNER TABLE public.teams"),
    "a validated check": ("ALTER TABLE users VALIDATE CONSTRAINT late", "TABLE public.users"),
    "a partition": (
        "CREATE TABLE events_2027 PARTITION OF events FOR VALUES FROM ('2027-01-01') TO"
        " ('2028-01-01')",
        "TABLE ATTACH public.events_2027",
    ),
    "an extension": ("CREATE EXTENSION citext", "EXTENSION citext"),
    "another schema": ("CREATE SCHEMA audit", "SCHEMA audit"),
    "a statistics target": ("ALTER TABLE users ALTER email SET STATISTICS 9", "TABLE public.users"),
    "a replica identity": ("ALTER TABLE users REPLICA IDENTITY FULL", "TABLE public.users"),
    "a deferrable key": (
        "ALTER TABLE users ALTER CONSTRAINT users_team_fk DEFERRABLE",
        "FK CONSTRAINT public.users users_team_fk",
    ),
    "a rule": (
        "CREATE RULE keep AS ON DELETE TO teams DO INSTEAD NOTHING",
        "RULE public.teams keep",
    ),
    "extended statistics": (
        "CREATE STATISTICS together ON email, nick FROM users",
        "STATISTICS public.together",
    ),
}
GONE = {
    "a dropped column": ("ALTER TABLE users DROP score", "TABLE public.users"),
    "a dropped index": ("DROP INDEX users_nick", "INDEX public.users_nick"),
    "a dropped view": ("DROP VIEW adult_count", "VIEW public.adult_count"),
    "a dropped function": ("DROP FUNCTION twice", "FUNCTION public.twice(integer)"),
    "a dropped constraint": ("ALTER TABLE users DROP CONSTRAINT grown_up", "TABLE public.users"),
    "a dropped table": ("DROP TABLE plain", "TABLE public.plain"),
    "a dropped table with a serial": ("DROP TABLE tickets", "TABLE public.tickets"),
    "a dropped function with its privileges": (
        "DROP FUNCTION secret",
        "ACL FUNCTION public.secret()",
    ),
}
REPLACED = {
    "a table by a view": (
        "DROP TABLE kinds; CREATE VIEW kinds AS SELECT 1 AS id",
        "VIEW public.kinds",
    ),
    "a view by a materialized view": (
        "DROP VIEW lately; CREATE MATERIALIZED VIEW lately AS SELECT 1 AS id",
        "MATERIALIZED VIEW public.lately",
    ),
    "a materialized view by a table": (
        "DROP MATERIALIZED VIEW rarely; CREATE TABLE rarely (id integer)",
        "TABLE public.rarely",
    ),
    "no column by one with its foreign key": (
        "ALTER TABLE users ADD boss_id integer CONSTRAINT boss_fk REFERENCES teams",
        "FK CONSTRAINT public.users boss_fk",
    ),
    "no column by one that is required and has a collation": (
        'ALTER TABLE teams ADD code varchar(5) COLLATE "C" NOT NULL',
        "TABLE public.teams",
    ),
    "the collation of a required column": (
        'ALTER TABLE teams ALTER name TYPE varchar(50) COLLATE "POSIX"',
        "TABLE public.teams",
    ),
}


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    with project_of("drift") as made:
        with scratch_database() as url:
            execute(url, "CREATE ROLE clerk")
        made.add(f"{VERSION}_base", BASE + MORE)
        yield made


@pytest.fixture
def live(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of the environment `live`, migrated."""
    before = project.names()
    with replay_migrations(read_migrations()) as kept, scratch_database(kept) as url:
        monkeypatch.setenv("LIVE_DATABASE_URL", url)
        yield url
    for name in set(project.names()) - set(before):
        (project.migrations / name).unlink()
        (project.migrations / "down" / name).unlink()
        project.run("hash")


def drift(project: Project, env: str = "live") -> int:
    return project.run("drift", env=env).code


@pytest.mark.usefixtures("live")
def test_without_a_change_there_is_no_drift(project: Project) -> None:
    checked = project.run("drift", env="live")
    assert (checked.code, checked.out) == (0, "No drift: live matches its migrations.\n")


@pytest.mark.usefixtures("live")
def test_a_pending_migration_is_no_drift(project: Project) -> None:
    project.add("20260102000000_later", "ALTER TABLE users ADD later text;")
    (project.migrations / "down").mkdir(exist_ok=True)
    (project.migrations / "down" / "20260102000000_later.sql").touch()
    checked = project.run("drift", env="live")
    assert checked.code == 0
    assert "1 pending migration" in checked.out


ALL = list((CHANGES | GONE | REPLACED).items())
TOGETHER = 8  # changes that are made, and adopted, at once


@pytest.mark.parametrize(
    "changes",
    [dict(ALL[start : start + TOGETHER]) for start in range(0, len(ALL), TOGETHER)],
    ids="; ".join,
)
def test_a_change_by_hand_is_found_named_adopted_and_then_no_drift_anywhere(
    project: Project,
    live: str,
    changes: dict[str, tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with replay_migrations(read_migrations()) as kept, scratch_database(kept) as clean:
        monkeypatch.setenv("CLEAN_DATABASE_URL", clean)
        for sql, _ in changes.values():
            execute(live, sql)
        found = project.run("drift", env="live")
        assert found.code == 2
        for _, label in changes.values():
            assert label in found.err

        adopted = project.run("drift", env="live", fix="adopt")
        assert adopted.code == 0, adopted.said
        for env in ("live", "clean"):
            migrated = project.run("apply", env=env, yes=True)
            assert migrated.code == 0, f"{env}: {migrated.said}\n{adopted.out}"
            assert drift(project, env) == 0


def test_the_order_of_privileges_is_no_drift(project: Project, live: str) -> None:
    execute(live, "REVOKE ALL ON roots FROM clerk; GRANT SELECT ON roots TO clerk")
    assert drift(project) == 0
    execute(live, "REVOKE ALL ON roots FROM clerk")
    assert drift(project) == 2


ROWS = """
    INSERT INTO teams VALUES (1, 'core', 'less is more');
    INSERT INTO users (id, email, nick, team_id) VALUES (1, 'ada@example.com', 'ada', 1);
    INSERT INTO plain (a) VALUES (1); INSERT INTO roots (a) VALUES (2)"""
RENAMED = {
    "a column": "ALTER TABLE users RENAME nick TO handle",
    "a column and its type": "ALTER TABLE roots RENAME a TO b; ALTER TABLE roots ALTER b TYPE bigint",
    "a table and its column": "ALTER TABLE plain RENAME TO bare; ALTER TABLE bare RENAME a TO b",
    "a value": "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'",
    "an index": "ALTER INDEX users_nick RENAME TO users_handle",
}


@pytest.mark.parametrize("sql", RENAMED.values(), ids=RENAMED)
def test_a_rename_by_hand_is_adopted_as_one_and_keeps_the_values_everywhere(
    project: Project, live: str, sql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scratch_database(live) as clean:
        monkeypatch.setenv("CLEAN_DATABASE_URL", clean)
        for url in (live, clean):
            execute(url, ROWS)
        execute(live, sql)
        adopted = project.run("drift", env="live", fix="adopt")
        assert adopted.code == 0, adopted.said
        for env in ("live", "clean"):
            assert project.run("apply", env=env, yes=True).code == 0, adopted.out
            assert drift(project, env) == 0
        assert read_contents(clean) == read_contents(live)


@pytest.mark.parametrize("sql", RENAMED.values(), ids=RENAMED)
def test_a_rename_by_hand_is_reverted_as_one_and_keeps_the_values(
    project: Project, live: str, sql: str
) -> None:
    execute(live, ROWS)
    before = read_contents(live)
    execute(live, sql)
    reverted = project.run("drift", env="live", fix="revert", yes=True)
    assert reverted.code == 0, reverted.said
    assert drift(project) == 0
    assert read_contents(live) == before


def test_a_column_that_was_dropped_is_no_rename_of_one_that_was_added(
    project: Project, live: str
) -> None:
    execute(live, "ALTER TABLE teams DROP motto, ADD slogan text")
    adopted = project.run("drift", env="live", fix="adopt")
    assert 'DROP COLUMN IF EXISTS "motto"' in adopted.out
    assert "RENAME" not in adopted.out


@pytest.mark.usefixtures("project")
def test_a_database_that_is_only_named_like_a_kept_one_is_read_all_the_same() -> None:
    with scratch_database() as url:
        execute(url, "CREATE DATABASE kept_orders")
        orders = url_of_database(url, "kept_orders")
        execute(orders, "COMMENT ON DATABASE kept_orders IS 'sold'; CREATE TABLE sales (id int)")
        try:
            assert "TABLE public.sales" in read_schema(orders)
        finally:
            execute(url, "DROP DATABASE kept_orders WITH (FORCE)")


def test_what_was_made_by_hand_before_any_migration_can_be_reverted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scratch_database() as url:
        monkeypatch.setenv("NEW_DATABASE_URL", url)
        execute(url, "CREATE TABLE by_hand (id int)")
        reverted = project.run("drift", env="new", fix="revert", yes=True)
        assert reverted.code == 0, reverted.said
        assert read_schema(url) == {}
