"""A server that is not ours is never changed, whatever is set for libpq; and one that somebody names is
reached with it."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from modelmigrate.errors import MigrateError
from modelmigrate.isolation import without_libpq_variables
from modelmigrate.postgres.account import create_private
from modelmigrate.postgres.binaries import installation
from modelmigrate.postgres.environments import development_url
from modelmigrate.postgres.processes import address_of
from modelmigrate.postgres.server import is_running, server_url
from tests.conftest import in_memory
from tests.package.harness import Project, execute, project_with_models

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.0/8 is all ours on Linux")
AS_SERVER: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname <> 'observer'"
PASSWORD = "s3cr3t"  # noqa: S105


class Stranger(NamedTuple):
    """A server of somebody else: at the port of our own, but on TCP."""

    host: str
    folder: Path
    place: Path
    """A project in whose place it listens, too."""

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}&port=5432"

    def snapshot(self) -> list[Any]:
        """What it holds, who was connected, and how often anybody tried to by TCP."""
        queries = (
            "SELECT datname::text, datacl::text FROM pg_database ORDER BY 1",
            "SELECT rolname::text FROM pg_roles ORDER BY 1",
            "SELECT datname::text, sessions, xact_commit, tup_inserted FROM pg_stat_database"
            " WHERE datname <> 'observer' ORDER BY 1",
        )
        with without_libpq_variables():
            while execute(self.url("observer"), OTHERS) != [(0,)]:
                time.sleep(0.01)  # who has just left is counted a moment later
            seen = [execute(self.url("observer"), query) for query in queries]
        log = (self.folder / "log").read_text(encoding="utf-8")
        return [*seen, log.count("connection received: host=127.")]


@pytest.fixture(scope="module")
def stranger() -> Iterator[Stranger]:
    folder = Path(tempfile.mkdtemp(prefix="stranger-", dir=in_memory()))
    folder.chmod(0o755)
    place = folder / "place"
    place.mkdir()
    (place / "atlas.hcl").touch()
    create_private(place / ".postgres")
    sockets = Path(address_of(place / ".postgres", "dev")["host"])
    create_private(sockets)
    data = folder / "theirs"
    data.mkdir()
    if AS_SERVER:
        shutil.chown(data, "nobody")
    host = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(200) + 1}.1"
    for port in (5432, 5433):
        with socket.socket() as probe:
            assert probe.connect_ex((host, port)) != 0

    def run(program: str, *arguments: str) -> None:
        with (folder / "log").open("ab") as log:
            command: list[str | Path] = [installation() / program, *arguments]
            subprocess.run(command, cwd=data, stdout=log, stderr=log, check=True, **AS_SERVER)

    run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "--no-sync")
    rules = data / "data" / "pg_hba.conf"
    rules.write_text(f"host all careful all scram-sha-256\n{rules.read_text()}")
    folder.chmod(0o777)  # for its socket
    options = (
        f"-c listen_addresses={host} -c port=5432 -c autovacuum=off -c fsync=off -c log_connections=on"
        f" -c unix_socket_directories={folder},{sockets}"
    )
    run("pg_ctl", "start", "-w", "-s", "-D", "data", "-o", options)
    made = Stranger(host, folder, place)
    execute(made.url("postgres"), "CREATE DATABASE observer")
    execute(made.url("postgres"), f"CREATE ROLE careful LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
    execute(made.url("observer"), "CREATE TABLE theirs (id integer)")
    yield made
    run("pg_ctl", "stop", "-m", "immediate", "-D", "data")
    shutil.rmtree(folder)
    shutil.rmtree(sockets)


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    """A project whose servers are up, with a model and a migration of it."""
    with project_with_models("shop") as shop:
        (shop.folder / "schema.sql").write_text("CREATE TABLE users (id integer NOT NULL);\n")
        shop.add("20260101000000_first", "CREATE TABLE users (id integer NOT NULL);\n")
        assert shop.run("apply").code == 0
        yield shop


# What people have set for other databases. HOST, FOLDER: of a server that answers at our port.
SETTINGS: dict[str, dict[str, str]] = {
    "an address": {"PGHOSTADDR": "HOST"},
    "a host": {"PGHOST": "HOST", "PGPORT": "5432"},
    "a port": {"PGPORT": "1"},
    "a service": {"PGSERVICE": "theirs", "PGSERVICEFILE": "FOLDER/services.conf"},
    "a service in the system's folder": {"PGSERVICE": "theirs", "PGSYSCONFDIR": "FOLDER"},
    "a service in the home": {"PGSERVICE": "theirs", "HOME": "FOLDER"},
    "a service that is missing": {"PGSERVICE": "missing"},
    "an authentication": {"PGREQUIREAUTH": "scram-sha-256"},
    "a standby": {"PGTARGETSESSIONATTRS": "standby"},
    "channel binding": {"PGCHANNELBINDING": "require"},
    "options": {"PGOPTIONS": "-c default_transaction_read_only=on"},
    "TLS": {"PGSSLMODE": "require"},
    "TLS at once": {"PGSSLNEGOTIATION": "direct"},
    "a root certificate": {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/nowhere"},
    "a list of revoked certificates": {"PGSSLCRL": "/nowhere"},
    "the operating system's user": {"PGREQUIREPEER": "somebody"},
    "Kerberos": {"PGGSSENCMODE": "require", "PGKRBSRVNAME": "theirs"},
    "a balance": {"PGLOADBALANCEHOSTS": "nonsense"},
    "a password": {"PGPASSWORD": PASSWORD, "PGUSER": "careful"},
    "a file of passwords": {"PGPASSFILE": "FOLDER/services.conf"},
    "a file of passwords in the home": {"HOME": "FOLDER"},
    "a user": {"PGUSER": "somebody"},
    "a database": {"PGDATABASE": "observer"},
    "an encoding": {"PGCLIENTENCODING": "LATIN1"},
    "a time zone": {"PGTZ": "Mars"},
    "dates": {"PGDATESTYLE": "German"},
    "a protocol": {"PGMINPROTOCOLVERSION": "latest", "PGMAXPROTOCOLVERSION": "3.0"},
    "a timeout": {"PGCONNECT_TIMEOUT": "nonsense"},
}


@pytest.fixture
def set_for_libpq(stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    service = f"[theirs]\nhost={stranger.host}\nhostaddr={stranger.host}\nuser=postgres\n"
    for name in ("services.conf", "pg_service.conf", ".pg_service.conf", ".pgpass"):
        (stranger.folder / name).write_text(service)

    def set_all(*names: str) -> None:
        for variable, value in [each for name in names for each in SETTINGS[name].items()]:
            filled = value.replace("HOST", stranger.host).replace("FOLDER", str(stranger.folder))
            monkeypatch.setenv(variable, filled)

    return set_all


@pytest.mark.parametrize("setting", SETTINGS)
def test_what_is_set_for_libpq_does_not_reach_our_servers(
    project: Project,
    stranger: Stranger,
    set_for_libpq: Callable[..., None],
    setting: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = stranger.snapshot()
    set_for_libpq(setting)
    kept = dict(os.environ)
    assert is_running("dev")
    url = development_url()
    assert server_url("scratch") != url
    assert dict(os.environ) == kept
    assert capfd.readouterr() == ("", "")  # no warning of libpq, either
    assert stranger.snapshot() == before


COMMANDS = ("status", "apply", "create", "drift", "validate", "db url", "doctor")


@pytest.mark.parametrize("command", COMMANDS)
def test_with_all_of_that_set_every_command_says_what_it_always_says(
    project: Project, stranger: Stranger, set_for_libpq: Callable[..., None], command: str
) -> None:
    usual = project.run(command)
    before = stranger.snapshot()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", os.environ["HOME"])
        set_for_libpq(*(name for name in SETTINGS if "home" not in name))
        said = project.run(command)
    assert said == usual
    assert stranger.snapshot() == before


def test_psql_takes_the_printed_url_and_no_other_address(
    project: Project, stranger: Stranger, set_for_libpq: Callable[..., None]
) -> None:
    set_for_libpq("an address", "a service")
    url = project.run("db url").out.strip()
    asked: list[str | Path] = [installation() / "psql", "-XAtc", "SHOW data_directory", url]
    answer = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == str(project.folder / ".postgres" / "dev")


@pytest.mark.parametrize("crashed", [False, True])
def test_a_server_in_the_place_of_ours_is_told_and_not_changed(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch, crashed: bool
) -> None:
    data = stranger.place / ".postgres" / "dev"
    sockets = address_of(stranger.place / ".postgres", "dev")["host"]
    monkeypatch.chdir(stranger.place)
    if crashed:  # ours, which left its pid file
        data.mkdir()
        (data / "postmaster.pid").touch()
    [databases, roles, *_] = stranger.snapshot()
    with pytest.raises(MigrateError, match=rf"another server answers at {sockets}:5432") as told:
        development_url()
    assert "Nothing was changed. Stop that server" in str(told.value)
    assert ("theirs/data" in str(told.value)) == crashed
    assert stranger.snapshot()[:2] == [databases, roles]
    assert (Path(sockets) / ".s.PGSQL.5432").exists()
    assert list((stranger.place / ".postgres").glob("*/base")) == []


def test_a_database_that_somebody_names_is_reached_with_what_is_set_for_libpq(
    project: Project, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://careful@{stranger.host}/observer"
    monkeypatch.setenv("LIVE_DATABASE_URL", url)
    refused = project.run("inspect", env="live")
    assert "no password supplied" in refused.err
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setenv("PGAPPNAME", "by-their-name")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    for form in ("sql", "json"):  # by psycopg and pg_dump, by psycopg and Atlas
        said = project.run("inspect", env="live", format=form)
        assert "theirs" in said.out, said.err
    log = (stranger.folder / "log").read_text(encoding="utf-8")
    assert "application_name=by-their-name" in log
    assert PASSWORD not in log.replace(f"PASSWORD '{PASSWORD}'", "")


def test_what_atlas_cannot_take_is_told_before_it_runs(
    project: Project, stranger: Stranger, set_for_libpq: Callable[..., None]
) -> None:
    set_for_libpq("an address")
    os.environ["LIVE_DATABASE_URL"] = "postgresql://postgres@somewhere.invalid/observer"
    assert "theirs" in project.run("inspect", env="live").out  # psycopg and pg_dump follow it
    said = project.run("inspect", env="live", format="hcl")
    assert (said.code, said.out) == (1, "")
    assert "PGHOSTADDR: Atlas connects without libpq" in said.err
    assert "goroutine" not in said.err
