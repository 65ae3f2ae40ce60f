"""What does not keep a session is told from a server, in every mode of its pools; a tunnel is none."""

import pytest

from tests.package.harness import Project, execute
from tests.proxies import MODES, PgBouncer, pooled, tunnelled

FIRST = ("20260101000000_first", "CREATE TABLE users (id integer PRIMARY KEY);\n")
COMMANDS = ["apply", "apply --dry-run", "status", "drift", "down", "baseline", "inspect", "viz"]
SAID = "leads to a connection pooler, such as PgBouncer"


@pytest.mark.parametrize("ignored", ["", "options"], ids=["refused", "ignored"])
@pytest.mark.parametrize("mode", [*MODES, "pgbouncer"])
def test_a_pooler_is_named_and_nothing_is_changed_through_it(
    project: Project,
    live: str,
    pgbouncer: PgBouncer,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    ignored: str,
) -> None:
    """PgBouncer refuses what a session is told at its start, or is told to ignore it."""
    project.add(*FIRST)
    with pooled(pgbouncer, live, project.folder, ignore_startup_parameters=ignored) as pooler:
        monkeypatch.setenv("LIVE_DATABASE_URL", f"{pooler}/{mode}")
        for command in COMMANDS:
            ran = project.run(command, env="live")
            assert ran.code == 1, f"{command}: {ran.said}"
            assert ran.said.startswith(f"error: LIVE_DATABASE_URL {SAID}")
            assert "Name the PostgreSQL server itself" in ran.said
    assert execute(live, "SELECT relname FROM pg_class WHERE relname = 'users'") == []


def test_scratch_databases_are_not_made_through_a_pooler(
    project: Project, live: str, pgbouncer: PgBouncer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pooled(pgbouncer, live, project.folder) as pooler:
        monkeypatch.setenv("DATABASE_URL", f"{pooler}/transaction")
        for command in ("apply", "create", "check", "validate"):
            project.add(*FIRST)
            ran = project.run(command, **({"message": "x"} if command == "create" else {}))
            assert ran.code == 1, f"{command}: {ran.said}"
            assert f"DATABASE_URL {SAID}" in ran.said
        # The service itself may be behind one.
        assert project.run("db url").out.startswith(f"{pooler}/transaction")


def test_a_server_behind_a_tunnel_or_with_timeouts_of_its_own_is_no_pooler(
    project: Project, live: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.add(*FIRST)
    execute(live, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = 77', current_database());"
                  " END $$")  # fmt: skip
    with tunnelled(live) as url:
        monkeypatch.setenv("LIVE_DATABASE_URL", url)
        for command in ("apply", "status", "drift"):
            ran = project.run(command, env="live", **({"yes": True} if command == "apply" else {}))
            assert ran.code == 0, ran.said
