"""What no migration may contain is refused before anything runs; and a scratch database goes, whatever was
done in it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import ExecStatus

from modelmigrate.atlas.refused_statements import kind_of, refused_statements
from modelmigrate.postgres.connection import url_of_database
from modelmigrate.postgres.scratch import drop_database, scratch_database
from modelmigrate.postgres.server import server_url, stop_servers
from modelmigrate.schema.dump import read_schema
from tests.package.harness import Project, connected, execute, project_of

FIRST = "CREATE TABLE users (id integer PRIMARY KEY, nick text);\n"
OUTSIDE = "-- atlas:txmode none\n\n"

# Each changes something, and the dump of the database does not see it: measured below. {0} is a database.
SERVER_WIDE = [
    "ALTER SYSTEM SET work_mem = '5MB'",
    "CREATE ROLE clerk",
    "ALTER ROLE clerk SET work_mem = '5MB'",
    "create  user\tcook",
    "CREATE GROUP cooks",
    "GRANT clerk TO cook",
    'GRANT "clerk" TO "cook" WITH ADMIN OPTION',
    "REVOKE clerk FROM cook",
    "COMMENT ON ROLE clerk IS 'x'",
    "ALTER DATABASE {0} SET work_mem = '5MB'",
    "COMMENT ON DATABASE {0} IS 'x'",
    "GRANT CONNECT ON DATABASE {0} TO cook",
    "SELECT pg_replication_origin_create('there')",
    "SELECT pg_create_physical_replication_slot('there')",
    "CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)",
    "ALTER SUBSCRIPTION s SET (slot_name = NONE)",
    "DROP SUBSCRIPTION s",
    "SELECT pg_drop_replication_slot('there')",
    "SELECT pg_replication_origin_drop('there')",
    "REVOKE CONNECT ON DATABASE {0} FROM cook",
    "DROP ROLE cook",
    "DROP GROUP cooks",
    "DROP USER clerk",
    "ALTER SYSTEM RESET ALL",
]
REFUSED = [
    *SERVER_WIDE, "CREATE DATABASE x", "DROP DATABASE x", "CREATE TABLESPACE x LOCATION '/x'", "BEGIN",
    "begin;", "START TRANSACTION", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT a", "RELEASE a",
    "PREPARE TRANSACTION 'a'", "COMMIT PREPARED 'a'", "/* why */ COMMIT -- now", "\\connect other",
    "SELECT 1 \\gexec", "GRANT SET ON PARAMETER work_mem TO a", "SECURITY LABEL FOR x ON ROLE a IS 'x'",
]  # fmt: skip
OUTSIDE_ALONE = [
    "VACUUM users", "VACUUM (FULL) users", "CREATE INDEX CONCURRENTLY i ON users (id)",
    "DROP INDEX CONCURRENTLY i", "REINDEX TABLE CONCURRENTLY users", "REINDEX SCHEMA public", "CLUSTER",
    "DISCARD ALL", "ALTER TABLE a DETACH PARTITION b CONCURRENTLY",
]  # fmt: skip
# In the dump, or without any effect that remains.
HARMLESS = [
    "GRANT SELECT ON users TO PUBLIC", 'GRANT USAGE ON SCHEMA "database" TO a', "CHECKPOINT",
    "REVOKE GRANT OPTION FOR SELECT ON users FROM a", "LOAD 'auto_explain'", "CREATE PUBLICATION p",
    "CREATE USER MAPPING FOR a SERVER s", "ALTER USER MAPPING FOR a SERVER s OPTIONS (ADD x '1')",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO a", "REINDEX TABLE users", "CLUSTER users",
    "DO $$ BEGIN COMMIT; END $$", "SELECT 'COMMIT; \\connect; BEGIN'", "PREPARE q AS SELECT 1",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END",
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN ALTER SYSTEM RESET ALL; END $$",
    'ALTER TABLE users RENAME nick TO "commit"', "COMMENT ON TABLE users IS 'BEGIN; COMMIT;'",
    "SELECT slot_name FROM pg_replication_slots", "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
    "CREATE TABLE rollback (id int)", "-- COMMIT;\nSELECT 1", "SET LOCAL lock_timeout = 1",
    "ALTER SYSTEMS RENAME TO x", "SELECT E'\\\\'",
]  # fmt: skip


@pytest.fixture(scope="module")
def shared() -> Iterator[Project]:
    with project_of("refused") as made:
        yield made


@pytest.fixture
def project(shared: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project with a migration that is applied to `live`, with a row."""
    for file in (*shared.migrations.rglob("*.sql"), *shared.migrations.glob("atlas.sum")):
        file.unlink()
    shared.add("20260101000000_first", FIRST)
    with scratch_database() as url:
        monkeypatch.setenv("LIVE_DATABASE_URL", url)
        assert shared.run("apply", env="live", yes=True).code == 0
        execute(url, "INSERT INTO users VALUES (1, 'ada')")
        yield shared


@pytest.mark.parametrize("statement", REFUSED)
def test_what_reaches_beyond_a_file_or_its_database_is_refused(statement: str) -> None:
    assert kind_of(statement)
    assert kind_of(statement, transactional=False)


@pytest.mark.parametrize("statement", OUTSIDE_ALONE)
def test_what_cannot_run_in_a_transaction_is_refused_there_alone(statement: str) -> None:
    assert kind_of(statement)
    assert not kind_of(statement, transactional=False)


@pytest.mark.parametrize("statement", HARMLESS)
def test_what_only_looks_like_that_is_not_refused(statement: str) -> None:
    assert not refused_statements(f"{statement};\nSELECT 1;")


def test_no_dump_sees_what_is_server_wide_and_each_of_these_runs(shared: Project) -> None:
    with scratch_database() as url:
        before = read_schema(url)
        for statement in SERVER_WIDE:
            execute(url, statement.format(conninfo_to_dict(url)["dbname"]))
        assert read_schema(url) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ALTER TABLE users ADD age integer;\nCOMMIT;\nSELECT 1 / 0;\n", "COMMIT;"),
        ("CREATE ROLE clerk PASSWORD 'sesame';\n", "CREATE ROLE clerk"),
        (f"{OUTSIDE}ALTER SYSTEM SET work_mem = '5MB';\n", "ALTER SYSTEM"),
        ("\\set x 1\nSELECT 1;\n", "psql"),
        ("VACUUM users;\n", "txmode none"),
        (
            f"{OUTSIDE}CREATE SUBSCRIPTION s CONNECTION 'password=sesame' PUBLICATION p;\n",
            "CREATE SUBSCRIPTION",
        ),
    ],
)
def test_files_are_refused_by_every_command_that_would_run_them_and_nothing_ran(
    project: Project, text: str, said: str
) -> None:
    sums = (project.migrations / "atlas.sum").read_bytes()
    file = project.migrations / "20260102000000_new.sql"
    file.write_text(text, encoding="utf-8")
    refused = project.run("hash")
    assert refused.code == 3
    assert "Nothing was changed" in refused.err
    assert (project.migrations / "atlas.sum").read_bytes() == sums
    project.add("20260102000000_new", text)
    assert "FAIL  structure" in project.run("validate").err
    for ran in (
        refused,
        project.run("validate"),
        project.run("apply", env="live", yes=True),
        project.run("apply", env="live", dry_run=True),
    ):
        assert ran.code in (1, 3)
        assert file.name in ran.err
        assert said in ran.err
        assert "sesame" not in ran.said
        assert "Traceback" not in ran.said
    file.unlink()
    project.run("hash")
    assert "20260101000000" in project.run("status", env="live").out
    assert not execute(server_url("scratch"), "SELECT FROM pg_roles WHERE rolname = 'clerk'")
    assert not execute(server_url("scratch"), "SELECT FROM pg_subscription")


def test_a_down_migration_with_such_a_statement_is_refused(project: Project) -> None:
    project.add("20260102000000_new", "ALTER TABLE users ADD age integer;\n")
    assert project.run("apply", env="live", yes=True).code == 0
    down = project.migrations / "down" / "20260102000000_new.sql"
    down.parent.mkdir(exist_ok=True)
    down.write_text("ALTER TABLE users DROP age;\nCOMMIT;\n", encoding="utf-8")
    refused = project.run("down", env="live", yes=True)
    assert refused.code == 3, refused.said
    assert "COMMIT" in refused.err


def test_a_file_that_was_applied_before_has_a_way_back(project: Project) -> None:
    """As UPGRADING.md says it: delete the statement, accept the file, baseline."""
    project.add("20260101000000_first", FIRST + "SELECT 2;\n")
    with scratch_database() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVE_DATABASE_URL", url)
        assert project.run("apply", env="live", yes=True).code == 0
        project.add("20260101000000_first", FIRST)
        assert project.run("status", env="live").code == 4
        execute(url, "DROP SCHEMA atlas_schema_revisions CASCADE")
        assert project.run("baseline", env="live", yes=True).code == 0
        assert project.run("apply", env="live", yes=True).code == 0


# --- scratch databases that cannot be dropped ---

HOLD = {
    "a subscription": "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=1 dbname=x' PUBLICATION p"
    " WITH (connect = false)",
    "an enabled subscription": "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=1 dbname=x'"
    " PUBLICATION p WITH (connect = false); ALTER SUBSCRIPTION s ENABLE",
    "a template": "UPDATE pg_database SET datistemplate = true WHERE datname = current_database()",
}


@pytest.fixture(scope="module")
def logical() -> Iterator[Path]:
    with project_of("logical") as made:
        execute(server_url("scratch"), "ALTER SYSTEM SET wal_level = logical")
        stop_servers()
        yield made.folder


@pytest.mark.parametrize("what", HOLD)
def test_a_scratch_database_is_dropped_whatever_was_made_in_it(logical: Path, what: str) -> None:
    with scratch_database() as url:
        name = conninfo_to_dict(url)["dbname"]
        execute(url, HOLD[what])
        with pytest.raises(psycopg.Error):
            execute(server_url("scratch"), f"DROP DATABASE {name} WITH (FORCE)")
    left = "SELECT datname FROM pg_database WHERE datname LIKE 'scratch%'"
    assert execute(server_url("scratch"), left) == []


def test_a_scratch_database_with_a_replication_that_runs_is_dropped(logical: Path) -> None:
    with scratch_database() as url:
        name = str(conninfo_to_dict(url)["dbname"])
        execute(url, "SELECT pg_create_logical_replication_slot('s', 'pgoutput')")
        with closing(psycopg.connect(url, replication="database")) as reader:
            start = (
                b"START_REPLICATION SLOT s LOGICAL 0/0 (proto_version '1', publication_names 'p')"
            )
            assert reader.pgconn.exec_(start).status == ExecStatus.COPY_BOTH
            with pytest.raises(psycopg.errors.ObjectInUse):
                execute(server_url("scratch"), f"DROP DATABASE {name} WITH (FORCE)")
            with connected(server_url("scratch")) as owner:
                drop_database(owner, url, name)
                assert not owner.execute(
                    "SELECT FROM pg_database WHERE datname = %s", [name]
                ).rowcount
    assert execute(server_url("scratch"), "SELECT FROM pg_replication_slots") == []


def test_one_that_others_left_is_dropped_by_the_next_command(logical: Path) -> None:
    server = server_url("scratch")
    execute(server, "CREATE DATABASE scratch_left")
    execute(url_of_database(server, "scratch_left"), HOLD["a subscription"])
    with scratch_database():
        found = execute(server, "SELECT FROM pg_database WHERE datname = 'scratch_left'")
    assert found == []
