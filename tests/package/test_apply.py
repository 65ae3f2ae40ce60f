"""What can go wrong while migrations are applied, done to real servers; each fault ends as promised."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from modelmigrate.atlas.binary import atlas_binary
from modelmigrate.errors import MigrateError
from modelmigrate.migrations.apply import ATLAS_APPLICATION
from modelmigrate.migrations.lock import ATLAS_LOCK, PACKAGE_LOCK
from modelmigrate.migrations.preflight import invalid_indexes
from modelmigrate.migrations.revisions import read_status
from modelmigrate.postgres import processes, scratch
from modelmigrate.postgres.account import server_account
from modelmigrate.postgres.binaries import usable_installation
from modelmigrate.postgres.data import find_data_dir
from modelmigrate.postgres.environments import development_url
from modelmigrate.postgres.processes import address_of, stop
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.postgres.server import server_url
from tests.conftest import in_memory, run
from tests.package.harness import Project, connected, execute, project_of

FIRST = (
    "20260101000000_first",
    """\
CREATE TABLE users (id integer PRIMARY KEY, email text);
CREATE TABLE pace (seconds double precision);
CREATE FUNCTION impatient(seconds double precision) RETURNS void LANGUAGE plpgsql
    SET statement_timeout = '100ms' AS $$ BEGIN
    IF seconds > 0 THEN RAISE 'canceling statement due to statement timeout'; END IF; END $$;
""",
)
OUTSIDE = "-- atlas:txmode none\n\n"
SLOW = "SELECT pg_sleep(60)"
PAUSE = "SELECT pg_sleep(seconds) FROM pace"
STEPS = f"{OUTSIDE}CREATE TABLE one (id int);\n{PAUSE};\nCREATE TABLE two (id int);\n"
SECRET = "hunter2secret"  # noqa: S105


@pytest.fixture(scope="module")
def shared() -> Iterator[Project]:
    with project_of("faults") as made:
        yield made


@pytest.fixture
def project(shared: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project with one migration and an empty database, the environment `live`."""
    shared.set(lock_timeout=0.5, wait=30, attempts=4)
    for file in (*shared.migrations.rglob("*.sql"), *shared.migrations.glob("atlas.sum")):
        file.unlink()
    shared.add(*FIRST)
    with scratch_database() as url:
        monkeypatch.setenv("LIVE_DATABASE_URL", url)
        yield shared


@pytest.fixture
def live(project: Project) -> str:
    """The URL of `live`, migrated."""
    assert project.run("apply", env="live", yes=True).code == 0
    return os.environ["LIVE_DATABASE_URL"]


def value(url: str, query: str) -> Any:
    rows = execute(url, query)
    return rows[0][0] if rows else None


def tables(url: str) -> set[str]:
    return set(value(url, "SELECT array_agg(relname::text) FROM pg_class WHERE relkind = 'r' AND"
                          " relnamespace = 'public'::regnamespace") or ())  # fmt: skip


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def running(url: str, text: str) -> int:
    """How many sessions run a statement like this."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND datname = current_database()"
    count: int = value(url, f"{query} AND query LIKE '%{text}%' AND pid <> pg_backend_pid()")
    return count


def kill(process: "subprocess.Popen[str]") -> None:
    """As a crash of the machine would: the command and what it started, at once."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@contextmanager
def holding(url: str, statement: str) -> Iterator[int]:
    """Somebody else, in a transaction, has done this; the PID of their session."""
    with connected(url) as other, other.transaction():
        other.execute(statement.encode())
        yield other.info.backend_pid


def migrate(project: Project) -> tuple[int, str]:
    ran = project.run("apply", env="live", yes=True)
    assert "Traceback" not in ran.said
    return ran.code, ran.said


def test_twenty_applies_at_once_all_succeed_though_an_index_is_built_concurrently(
    project: Project,
) -> None:
    text = f"{OUTSIDE}CREATE INDEX CONCURRENTLY users_email ON users (email);\n"
    project.add("20260102000000_index", text)
    project.add("20260103000000_more", "ALTER TABLE users ADD more text;\n")
    started = [project.start("apply", env="live", yes=True) for _ in range(20)]
    said = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 20, said
    assert sum("Applied 3 migrations" in each for each in said) == 1
    assert len(read_status(os.environ["LIVE_DATABASE_URL"]).applied) == 3


def test_nobody_waits_for_the_lock_while_atlas_is_looked_for_or_built(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, asked, answer = tmp_path / "atlas", tmp_path / "asked", tmp_path / "answer"
    slow.write_text(
        f"#!/bin/sh\ntouch '{asked}'\nwhile [ ! -e '{answer}' ]; do sleep 0.05; done\n"
        f"exec '{atlas_binary()}' \"$@\"\n"
    )
    slow.chmod(0o755)
    monkeypatch.setenv("ATLAS", str(slow))
    process = project.start("apply", env="live", yes=True)
    until(asked.exists)
    locks = "FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'advisory'"
    query = f"SELECT count(*) {locks} AND d.datname = current_database()"
    held = value(os.environ["LIVE_DATABASE_URL"], query)
    answer.touch()
    assert "Applied 1 migration" in process.communicate(timeout=60)[0]
    assert not held


@pytest.mark.parametrize("key", [PACKAGE_LOCK, ATLAS_LOCK])
def test_a_lock_held_elsewhere_is_busy_and_tells_who_has_it(
    project: Project, live: str, key: int
) -> None:
    project.set(wait=0.3, attempts=1)
    project.add("20260102000000_more", "ALTER TABLE users ADD more text;\n")
    with connected(live) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [key])
        code, said = migrate(project)
        assert code == 5
        assert f"PID {other.info.backend_pid}, user postgres" in said
        assert "Nothing was changed" in said or "rolled back" in said
    assert migrate(project)[0] == 0


def test_killed_in_a_transaction_nothing_is_left_and_the_next_apply_works(
    project: Project, live: str
) -> None:
    file = project.add("20260102000000_slow", f"CREATE TABLE part (id int);\n{SLOW};\n")
    process = project.start("apply", env="live", yes=True)
    until(lambda: running(live, "pg_sleep"))
    kill(process)
    # The server notices that its client is gone, and ends the session with its locks.
    until(lambda: not running(live, "pg_sleep"))
    assert "part" not in tables(live)
    assert "pending   1" in project.run("status", env="live").out
    file.write_text("CREATE TABLE part (id int);\n", encoding="utf-8")
    project.run("hash")
    assert migrate(project)[0] == 0


def test_killed_outside_a_transaction_the_next_apply_goes_on_with_the_statement_that_failed(
    project: Project, live: str
) -> None:
    execute(live, "INSERT INTO pace VALUES (60)")
    project.add("20260102000000_steps", STEPS)
    process = project.start("apply", env="live", yes=True)
    until(lambda: running(live, "pg_sleep"))
    kill(process)
    until(lambda: not running(live, "pg_sleep"))
    assert "1 of 3 statements are done" in project.run("status", env="live").out
    assert project.run("drift", env="live").code == 1
    execute(live, "UPDATE pace SET seconds = 0")
    assert migrate(project)[0] == 0
    assert {"one", "two"} <= tables(live)


def test_a_failure_outside_a_transaction_is_shown_and_resumed(project: Project, live: str) -> None:
    execute(live, "INSERT INTO pace VALUES (60); ALTER ROLE CURRENT_USER SET statement_timeout = 0")
    project.add("20260102000000_steps", STEPS.replace("SELECT pg_sleep", "SELECT impatient"))
    code, said = migrate(project)
    assert code == 1
    assert "is partially applied" in said
    assert "1 of 3 statements are done" in said
    assert "resumes at the statement that failed" in said
    execute(live, "UPDATE pace SET seconds = 0")
    assert migrate(project)[0] == 0


def test_of_three_files_of_which_the_second_fails_the_first_is_kept(
    project: Project, live: str
) -> None:
    project.add("20260102000000_a", "CREATE TABLE a (id int);\n")
    project.add("20260103000000_b", 'CREATE TABLE b (id int);\nSELECT 1 / 0 AS "b";\n')
    project.add("20260104000000_c", "CREATE TABLE c (id int);\n")
    code, said = migrate(project)
    assert code == 1
    assert "Applied up to 20260102000000; the file that failed was rolled back" in said
    assert 'SELECT 1 / 0 AS "b";' in said  # as it was written
    assert tables(live) >= {"a"}
    assert not tables(live) & {"b", "c"}


def test_a_session_that_an_administrator_ends_is_tried_again(project: Project, live: str) -> None:
    execute(live, "INSERT INTO pace VALUES (60)")
    project.add("20260102000000_slow", f"CREATE TABLE part (id int);\n{PAUSE};\n")
    process = project.start("apply", env="live", yes=True)
    until(lambda: running(live, "pg_sleep"))
    execute(live, "UPDATE pace SET seconds = 0")
    name = ATLAS_APPLICATION
    ended = (
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"  # noqa: S608
    )
    execute(live, ended)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert "retry in" in said


def test_a_reader_that_blocks_is_waited_for_a_bounded_time(project: Project, live: str) -> None:
    project.set(lock_timeout=0.2, attempts=2)
    project.add("20260102000000_more", "ALTER TABLE users ADD more text;\n")
    with holding(live, "SELECT * FROM users"):
        code, said = migrate(project)
    assert code == 5
    assert "lock timeout: retry in" in said
    assert "rolled back completely" in said
    assert migrate(project)[0] == 0


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("apply", {}),
        ("down", {}),
        ("backfill users", {"set": "name = 'Ada'", "where": "name IS NULL"}),
    ],
)
def test_whoever_a_command_waited_for_in_vain_is_named_and_how_to_end_them(
    project: Project, live: str, command: str, options: dict[str, str]
) -> None:
    project.set(lock_timeout=1, attempts=1)
    project.add("20260102000000_name", "ALTER TABLE users ADD name text;\n")
    if command != "apply":
        project.run("hash")  # writes the down migration
        assert migrate(project)[0] == 0
    execute(live, "INSERT INTO users (id) VALUES (1)")
    with holding(live, "SELECT * FROM users FOR UPDATE") as pid:
        ran = project.run(command, env="live", yes=True, **options)
    assert ran.code == 5, ran.said
    assert f"It waited for:\n  PID {pid}, user postgres, " in ran.said
    assert ", from this machine, idle in transaction since " in ran.said
    assert f"SELECT pg_terminate_backend({pid})" in ran.said


def test_a_reader_who_leaves_in_time_is_no_failure(project: Project, live: str) -> None:
    project.add("20260102000000_more", "ALTER TABLE users ADD more text;\n")
    with holding(live, "SELECT * FROM users"):
        process = project.start("apply", env="live", yes=True)
        until(lambda: running(live, "ALTER TABLE"))
        until(lambda: not running(live, "ALTER TABLE"))
    assert process.communicate(timeout=60)[0]
    assert process.returncode == 0


def test_the_timeouts_hold_whatever_a_file_resets(project: Project, live: str) -> None:
    project.set(lock_timeout=1.5, statement_timeout=60)
    execute(live, "INSERT INTO pace VALUES (0)")  # so that it is told from the replay
    wrong = "(current_setting('lock_timeout'), current_setting('statement_timeout'))"
    check = (
        f"IF EXISTS (SELECT FROM pace) AND {wrong} <> ('1500ms', '1min') THEN RAISE 'lost'; END IF"
    )
    text = f"RESET lock_timeout;\nRESET statement_timeout;\nDO $$ BEGIN {check}; END $$;\n"
    project.add("20260102000000_reset", text)
    code, said = migrate(project)
    assert code == 0, said


def test_an_index_that_fails_to_be_built_is_not_left_behind(project: Project, live: str) -> None:
    execute(live, "INSERT INTO users VALUES (1, 'ada@example.com'), (2, 'ada@example.com')")
    text = f"{OUTSIDE}CREATE UNIQUE INDEX CONCURRENTLY one_email ON users (email);\n"
    project.add("20260102000000_unique", text)
    code, said = migrate(project)
    assert code == 1
    assert "one_email, which a failed attempt left INVALID" in said
    assert invalid_indexes(live) == []
    execute(live, "DELETE FROM users WHERE id = 2")
    assert migrate(project)[0] == 0


def test_an_invalid_index_of_somebody_else_is_refused_and_named(
    project: Project, live: str
) -> None:
    execute(live, "INSERT INTO users VALUES (1, 'a'), (2, 'a')")
    with pytest.raises(Exception, match="could not create unique index"):
        execute(live, "CREATE UNIQUE INDEX CONCURRENTLY by_hand ON users (email)")
    project.add("20260102000000_more", "ALTER TABLE users ADD more text;\n")
    code, said = migrate(project)
    assert code == 3
    assert "DROP INDEX CONCURRENTLY public.by_hand;" in said
    drift = project.run("drift", env="live")
    assert drift.code == 2
    assert "INVALID INDEX public.by_hand" in drift.err


def edit(project: Project) -> None:
    with (project.migrations / f"{FIRST[0]}.sql").open("a", encoding="utf-8") as file:
        file.write("-- edited\n")


def edit_and_hash(project: Project) -> None:
    edit(project)
    project.run("hash")


def delete(project: Project) -> None:
    project.add("20260102000000_b", "CREATE TABLE b (id int);\n")
    assert migrate(project)[0] == 0
    project.add("20260103000000_c", "CREATE TABLE c (id int);\n")
    (project.migrations / "20260102000000_b.sql").unlink()
    project.run("hash")


def come_late(project: Project) -> None:
    project.add("20250101000000_late", "CREATE TABLE late (id int);\n")


def go_back(project: Project) -> None:
    project.add("20260102000000_b", "CREATE TABLE b (id int);\n")
    assert migrate(project)[0] == 0
    (project.migrations / "20260102000000_b.sql").unlink()
    project.run("hash")


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (edit, "checksum"),
        (edit_and_hash, "20260101000000_first.sql was modified after it was applied"),
        (delete, "20260102000000_b.sql was deleted after it was applied"),
        (come_late, "20250101000000_late.sql is out of order"),
        (go_back, "the database is ahead: it has 20260102000000_b"),
    ],
)
def test_a_history_mismatch_is_found_by_every_command(
    project: Project, live: str, what: Callable[[Project], None], words: str
) -> None:
    what(project)
    before = tables(live)
    for command in (
        "apply",
        "status",
        "apply --dry-run",
        "drift",
        "down",
    ):
        ran = project.run(command, env="live")
        assert ran.code == 4, f"{command}: {ran.said}"
        assert words in ran.said
    assert tables(live) == before


def test_a_dry_run_shows_the_files_and_makes_nothing(project: Project) -> None:
    url = os.environ["LIVE_DATABASE_URL"]
    shown = project.run("apply --dry-run", env="live")
    assert shown.code == 0
    assert FIRST[1] in shown.out
    assert value(url, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'atlas%'") == 0
    assert tables(url) == set()


def test_a_database_made_by_other_means_is_refused_and_can_be_baselined(project: Project) -> None:
    url = os.environ["LIVE_DATABASE_URL"]
    execute(url, FIRST[1])
    code, said = migrate(project)
    assert code == 3
    assert "make migrate-baseline" in said
    taken = project.run("baseline", env="live", yes=True)
    assert taken.code == 0, taken.said
    assert migrate(project) == (
        0,
        "No changes. live is at version 20260101000000; its schema matches the migration files.\n",
    )


def test_a_schema_that_differs_afterwards_is_drift(project: Project, live: str) -> None:
    execute(live, "CREATE VIEW by_hand AS SELECT 1 AS one")
    project.add("20260102000000_more", "ALTER TABLE users ADD more text;\n")
    code, said = migrate(project)
    assert code == 2
    assert "VIEW public.by_hand" in said
    assert "The migrations are applied." in said


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        (None, "there is no PostgreSQL on this machine"),
        ("13.4", "PostgreSQL is 13.4 on this machine"),
    ],
)
def test_what_cannot_be_compared_here_is_applied_all_the_same_and_said(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: str | None, reason: str
) -> None:
    if own:
        script = f"#!/bin/sh\necho 'postgres (PostgreSQL) {own}'\n"
        (tmp_path / "postgres").write_text(script)
        (tmp_path / "postgres").chmod(0o755)

    def installation() -> Path:
        if not own:
            raise MigrateError(f"{reason}. Nothing was changed. Install one.")
        return tmp_path

    monkeypatch.setattr(scratch, "installation", installation)
    code, said = migrate(project)
    assert code == 0, said
    assert f"its schema was not compared with the migration files: {reason}" in said
    assert said.count("compared") == said.count("Applied 1 migration.") == 1
    assert "users" in tables(os.environ["LIVE_DATABASE_URL"])


def test_a_full_disk_rolls_the_file_back(project: Project, live: str) -> None:
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can make a small disk")
    with small_disk() as folder:
        execute(live, f"CREATE TABLESPACE small LOCATION '{folder}'")
        try:
            text = (
                "CREATE TABLE filler TABLESPACE small AS"
                " SELECT repeat(md5(i::text), 99) AS t FROM generate_series(1, 9999) i;\n"
            )
            project.add("20260102000000_fill", text)
            code, said = migrate(project)
            assert code == 1
            assert "No space left on device" in said
            assert "rolled back completely" in said
            assert "filler" not in tables(live)
        finally:
            execute(live, "DROP TABLESPACE small")


@contextmanager
def small_disk() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="small-disk-", dir=in_memory()))
    folder.chmod(0o755)
    mount = run("mount", "-t", "tmpfs", "-o", "size=1m,mode=777", "none", folder, at=folder.parent)
    if mount.returncode != 0:
        folder.rmdir()
        pytest.skip("root may not mount a disk in this container")
    (folder / "data").mkdir()
    account = server_account()
    assert account
    os.chown(folder / "data", *account)
    try:
        yield folder / "data"
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def test_a_server_that_restarts_in_the_middle_is_waited_for(project: Project) -> None:
    assert project.run("apply").code == 0
    url = development_url()
    execute(url, "INSERT INTO pace VALUES (60)")
    project.add("20260102000000_slow", f"CREATE TABLE part (id int);\n{PAUSE};\n")
    process = project.start("apply")
    until(lambda: running(url, "pg_sleep"))
    with FileLock(find_data_dir() / "lock"):
        stop(find_data_dir(), "dev")
    execute(development_url(), "UPDATE pace SET seconds = 0")
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert "retry in" in said
    assert "part" in tables(development_url())


def test_a_rollback_that_is_killed_changes_nothing_and_can_be_repeated(
    project: Project, live: str
) -> None:
    project.add("20260102000000_more", "ALTER TABLE users ADD more text;\n")
    (project.migrations / "down").mkdir(exist_ok=True)
    down = project.migrations / "down" / "20260102000000_more.sql"
    down.write_text("ALTER TABLE users DROP more;\nSELECT pg_sleep(seconds) FROM pace;\n")
    assert migrate(project)[0] == 0
    execute(live, "INSERT INTO pace VALUES (60)")
    process = project.start("down", env="live", yes=True)
    until(lambda: running(live, "pg_sleep"))
    kill(process)
    execute(live, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%'"
                  " AND pid <> pg_backend_pid()")  # fmt: skip
    assert "applied   2" in project.run("status", env="live").out
    assert project.run("drift", env="live").code == 0
    execute(live, "UPDATE pace SET seconds = 0")
    assert project.run("down", env="live", yes=True).code == 0
    assert "applied   1" in project.run("status", env="live").out


def test_a_standby_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    home = find_data_dir()
    source = address_of(home, "scratch")
    server_url("scratch")
    copy = f"-D standby -h {source['host']} -p {source['port']} -U postgres -R -c fast".split()
    processes.run(home, "standby", usable_installation() / "pg_basebackup", *copy)
    options = (
        f"-c max_locks_per_transaction=512 -c port=5599 -c unix_socket_directories={source['host']}"
    )
    start = ("start", "-w", "-s", "-D", "standby", "-o", options)
    processes.run(home, "standby", usable_installation() / "pg_ctl", *start)
    try:
        url = f"postgresql://postgres@/postgres?host={source['host']}&port=5599"
        monkeypatch.setenv("LIVE_DATABASE_URL", url)
        code, said = migrate(project)
        assert code == 1
        assert "read-only replica" in said
    finally:
        stop = ("stop", "-w", "-m", "immediate", "-D", "standby")
        processes.run(home, "standby", usable_installation() / "pg_ctl", *stop)


def test_a_role_without_the_rights_is_told_which_to_grant(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = os.environ["LIVE_DATABASE_URL"]
    execute(url, f"CREATE ROLE intern LOGIN PASSWORD '{SECRET}'")
    monkeypatch.setenv("LIVE_DATABASE_URL", url.replace("//postgres@", f"//intern:{SECRET}@"))
    code, said = migrate(project)
    assert code == 1
    assert 'GRANT CREATE ON SCHEMA public TO "intern"' in said
    assert "GRANT CREATE ON DATABASE" in said
    assert SECRET not in said


def test_no_password_is_in_the_list_of_processes(
    project: Project, live: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVE_DATABASE_URL", live.replace("//postgres@", f"//postgres:{SECRET}@"))
    execute(live, "INSERT INTO pace VALUES (2)")
    project.add("20260102000000_slow", f"{PAUSE};\n")
    process = project.start("apply", env="live", yes=True)
    until(lambda: running(live, "pg_sleep"))
    lines = [" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])]
    assert any("migrate apply" in line for line in lines)
    assert not [line for line in lines if SECRET in line]
    assert SECRET not in process.communicate(timeout=60)[0]
    assert process.returncode == 0


def test_ctrl_c_rolls_back_and_says_so(project: Project, live: str) -> None:
    execute(live, "INSERT INTO pace VALUES (60)")
    project.add("20260102000000_slow", f"CREATE TABLE part (id int);\n{PAUSE};\n")
    process = project.start("apply", env="live", yes=True)
    until(lambda: running(live, "pg_sleep"))
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=30)[0]
    assert process.returncode == 130
    assert "stopped" in said
    assert "Traceback" not in said
    until(lambda: not running(live, "pg_sleep"))
    assert "part" not in tables(live)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("apply", {}),
        ("down", {}),
        ("baseline", {}),
    ],
)
def test_a_deployed_database_is_named_and_wants_a_confirmation(
    project: Project, command: str, options: dict[str, str]
) -> None:
    url = os.environ["LIVE_DATABASE_URL"]
    if command == "baseline":
        execute(url, FIRST[1])
    if command == "down":
        assert migrate(project)[0] == 0
    before = tables(url)
    ran = project.run(command, env="live", **options)
    assert ran.code == 3
    assert "This will change live (database scratch_" in ran.out
    assert "Add: yes=1" in ran.err
    assert tables(url) == before


def test_an_environment_without_a_url_is_an_error_that_names_the_variable(project: Project) -> None:
    for command in ("apply", "status", "drift", "inspect"):
        ran = project.run(command, env="qa-2")
        assert ran.code == 1
        assert "QA_2_DATABASE_URL is not set" in ran.err
