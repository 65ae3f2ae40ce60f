"""What breaks older programs waits in contract migrations, and the gate tells when these may be applied."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from modelmigrate.errors import Exit
from modelmigrate.lint.rules import RULES
from modelmigrate.sql.patterns import TAKES_AWAY
from tests.package.harness import Project, execute, roll_back

EXPAND, CONTRACT, NEXT = "20260102000000_bio", "20260103000000_drop_nick", "20260104000000_age"
MARK = "-- gate:phase contract\n\n"
USERS = "CREATE TABLE users (id integer PRIMARY KEY, nick text);"
ROWS = "INSERT INTO users VALUES (1, 'ada'), (2, NULL)"


@pytest.fixture
def begun(project: Project, live: str) -> Project:
    """A project with a migration that is applied, and rows in its table."""
    project.add("20260101000000_users", USERS)
    assert project.run("apply", env="live", yes=True).code == 0
    execute(live, ROWS)
    return project


@pytest.fixture
def released(begun: Project) -> Project:
    """As `begun`, with the migrations of a release that are pending."""
    begun.add(EXPAND, "ALTER TABLE users ADD bio text;")
    begun.add(CONTRACT, f"{MARK}-- lint:allow drop-column not read\nALTER TABLE users DROP nick;")
    return begun


@contextmanager
def program(url: str, knows: str) -> Iterator[None]:
    """A session of a service that knows the schema up to this version."""
    with psycopg.connect(url, application_name=f"shop schema={knows[:14]}"):
        yield


def columns(url: str) -> set[str]:
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'users'"
    return {name for (name,) in execute(url, query)}


# --- the gate ---


def test_expand_applies_what_older_programs_live_with_and_holds_back_the_rest(
    released: Project, live: str
) -> None:
    asked = released.run("gate", phase="expand", env="live")
    assert asked.code == 0, asked.said
    assert f"may be applied to live now:\n  {EXPAND}.sql" in asked.out
    assert "make migrate env=live phase=expand yes=1" in asked.out
    assert columns(live) == {"id", "nick"}
    shown = released.run("apply", phase="expand", env="live", dry_run=True)
    assert "ADD bio" in shown.out
    assert "DROP nick" not in shown.out

    applied = released.run("apply", phase="expand", env="live", yes=True)
    assert applied.code == 0, applied.said
    assert f"no older version of the service runs: {CONTRACT}.sql" in applied.out
    assert columns(live) == {"id", "nick", "bio"}
    assert released.run("drift", env="live").code == 0
    again = released.run("apply", phase="expand", env="live", yes=True)
    assert (again.code, again.out.partition(".")[0]) == (0, "No changes")
    assert "(contract)" in released.run("status", env="live").out


def test_contract_waits_until_no_program_is_connected_that_does_not_know_it(
    released: Project, live: str
) -> None:
    with program(live, EXPAND), program(live, CONTRACT):
        for command in ("gate", "apply"):
            refused = released.run(command, phase="contract", env="live")
            assert refused.code == Exit.REFUSED, refused.said
            assert f"shop schema={EXPAND[:14]}: 1 session(s)" in refused.err
            assert f"schema={CONTRACT[:14]}" not in refused.err
    assert columns(live) == {"id", "nick"}
    with program(live, CONTRACT):
        assert released.run("gate", phase="contract", env="live").code == 0
        assert released.run("apply", phase="contract", env="live", yes=True).code == 0
    assert columns(live) == {"id", "bio"}


def test_what_a_rollout_needs_is_not_applied_past_a_contract(released: Project, live: str) -> None:
    released.add(NEXT, "ALTER TABLE users ADD age integer;")
    for command in ("gate", "apply"):
        refused = released.run(command, phase="expand", env="live")
        assert refused.code == Exit.REFUSED
        assert f"{CONTRACT}.sql is a contract migration" in refused.err
        assert f"{NEXT}.sql" in refused.err
        assert "phase=contract" in refused.err
    assert columns(live) == {"id", "nick"}


def test_what_is_partially_applied_is_resumed_in_its_phase(released: Project, live: str) -> None:
    index = "CREATE UNIQUE INDEX CONCURRENTLY own ON users (nick) NULLS NOT DISTINCT;"
    released.add("20260102000001_own", f"-- atlas:txmode none\n\nSELECT 1;\n{index}")
    execute(live, "INSERT INTO users VALUES (3, NULL)")
    assert released.run("apply", phase="expand", env="live", yes=True).code == Exit.ERROR
    execute(live, "DELETE FROM users WHERE id = 3")
    resumed = released.run("apply", phase="expand", env="live", yes=True)
    assert resumed.code == 0, resumed.said
    assert columns(live) == {"id", "nick", "bio"}


def test_an_empty_database_is_migrated_as_a_whole(project: Project, live: str) -> None:
    project.add("20260101000000_users", USERS)
    project.add(CONTRACT, f"{MARK}ALTER TABLE users DROP nick;")
    project.add(NEXT, "ALTER TABLE users ADD age integer;")
    assert project.run("apply", phase="expand", env="live", yes=True).code == 0
    assert columns(live) == {"id", "age"}
    open_ = project.run("gate", phase="expand", env="live")
    assert (open_.code, open_.out) == (0, "open: nothing is to be applied to live in expand\n")


def test_a_phase_that_does_not_exist_changes_nothing(released: Project, live: str) -> None:
    for command in ("gate", "apply"):
        refused = released.run(command, phase="contrct", env="live")
        assert refused.code == Exit.ERROR
        assert "phase=contrct is none of expand, contract" in refused.err
    assert columns(live) == {"id", "nick"}


@pytest.mark.parametrize(
    "text", ["-- gate:phase contrct\n\n", "SELECT 1;\n-- gate:phase contract\n"]
)
def test_a_directive_that_is_not_understood_is_found(begun: Project, text: str) -> None:
    begun.add(EXPAND, f"{text}ALTER TABLE users ADD bio text;")
    checked = begun.run("validate")
    assert checked.code == Exit.ERROR
    assert f"{EXPAND}.sql: `-- gate:phase" in checked.err


# --- what older programs can read of it ---


def marks(url: str) -> list[str]:
    query = "SELECT description FROM atlas_schema_revisions.atlas_schema_revisions ORDER BY version"
    return [name for (name,) in execute(url, query)]


def test_the_database_says_which_migrations_are_contracts_and_atlas_does_not_mind(
    released: Project, live: str
) -> None:
    released.add(
        NEXT, "-- atlas:txmode none\n-- gate:phase contract\n\nALTER TABLE users DROP bio;"
    )
    assert released.run("apply", env="live", yes=True).code == 0
    assert marks(live) == ["users", "bio", "drop_nick.contract", "age.contract"]
    assert released.run("apply", env="live", yes=True).code == 0
    assert released.run("status", env="live").code == 0
    assert released.run("drift", env="live").code == 0
    assert marks(live) == ["users", "bio", "drop_nick.contract", "age.contract"]
    roll_back(released, steps=2)
    assert marks(live) == ["users", "bio"]


def test_a_contract_that_was_applied_before_one_that_fails_is_marked(
    released: Project, live: str
) -> None:
    released.add(NEXT, "ALTER TABLE users ADD CONSTRAINT few CHECK (id < 2);")
    assert released.run("apply", env="live", yes=True).code == Exit.ERROR
    assert marks(live)[:3] == ["users", "bio", "drop_nick.contract"]


def test_a_contract_whose_file_is_missing_is_named_as_its_file_was(released: Project) -> None:
    assert released.run("apply", env="live", yes=True).code == 0
    (released.migrations / f"{CONTRACT}.sql").unlink()
    released.run("hash")
    assert f"it has {CONTRACT}, newer" in released.run("status", env="live").err


# --- lint and create ---


def test_what_breaks_programs_is_an_error_with_its_cure_but_not_in_a_contract(
    begun: Project,
) -> None:
    rename = "ALTER TABLE users RENAME nick TO handle;"
    begun.add(EXPAND, rename)
    found = begun.run("lint")
    assert found.code == Exit.REFUSED
    assert "-- gate:phase contract" in found.err
    begun.add(EXPAND, f"{MARK}{rename}")
    found = begun.run("lint")
    assert (found.code, found.err) == (0, "")
    assert "note rename-column" in found.out


def change_models(project: Project, sql: str) -> None:
    (project.folder / "schema.sql").write_text(sql, encoding="utf-8")


def written(project: Project) -> list[str]:
    return [(project.migrations / name).read_text() for name in project.names()[1:]]


def test_create_puts_what_older_programs_need_into_a_contract_of_its_own(
    begun: Project, live: str
) -> None:
    change_models(begun, "CREATE TABLE users (id integer PRIMARY KEY, bio text, age integer);")
    created = begun.run("create", message="next", rename="none")
    assert created.code == 0, created.said
    expand, contract = written(begun)
    assert expand.startswith("-- Part 1 of 2.")
    assert "ADD COLUMN" in expand
    assert "DROP COLUMN" not in expand
    assert contract.startswith("-- gate:phase contract\n\n-- Part 2 of 2.\n")
    assert "DROP COLUMN" in contract
    assert "1 contract migration" in created.out

    assert begun.run("apply", phase="expand", env="live", yes=True).code == 0
    assert columns(live) == {"id", "nick", "bio", "age"}
    assert begun.run("apply", phase="contract", env="live", yes=True).code == 0
    assert begun.run("check").code == 0
    roll_back(begun)
    assert columns(live) == {"id", "nick"}


def test_what_create_marks_as_contract_passes_the_lint(begun: Project) -> None:
    (begun.migrations / "20260101000000_users.sql").unlink()
    view = "CREATE VIEW few AS SELECT 1 AS one;"
    begun.add("20260101000000_users", f"{USERS}\n{view}")
    change_models(begun, USERS.replace("nick text", "nick text, bio text"))
    created = begun.run("create", message="next")
    assert created.code == 0, created.said
    assert [MARK.strip() in text for text in written(begun)] == [False, True]
    linted = begun.run("lint")
    assert linted.code == 0, linted.said


def test_what_the_next_version_needs_too_is_no_contract(begun: Project) -> None:
    change_models(begun, USERS.replace("nick", "handle"))
    created = begun.run("create", message="next", rename="users.nick:handle")
    assert created.code == 0, created.said
    assert [MARK.strip() in text for text in written(begun)] == [False]
    assert begun.run("lint").code == Exit.REFUSED


def test_what_is_harmless_beside_a_drop_alone_waits_with_it(begun: Project) -> None:
    (begun.migrations / "20260101000000_users.sql").unlink()
    unique = "CREATE TABLE users (id integer PRIMARY KEY, nick text CONSTRAINT own UNIQUE);"
    begun.add("20260101000000_users", unique)
    change_models(begun, "CREATE TABLE users (id integer PRIMARY KEY, bio text);")
    created = begun.run("create", message="next", rename="none")
    assert created.code == 0, created.said
    expand, contract = written(begun)
    assert "ADD COLUMN" in expand
    assert "own" not in expand
    assert "DROP COLUMN" in contract


def test_every_rule_about_what_can_wait_is_about_a_statement_that_takes_away() -> None:
    for rule in (each for each in RULES if each.can_wait):
        for example in rule.fires:
            assert TAKES_AWAY.search(example.migration), example
    assert not TAKES_AWAY.search('ALTER TABLE "users" ADD COLUMN "dropped" boolean NULL;')
