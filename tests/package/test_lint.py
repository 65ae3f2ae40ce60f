"""The command `lint`: which files it looks at, what it says of them and to whom, and what stops it."""

import json
import re
import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from modelmigrate.lint.catalog import Catalog, read_catalog
from modelmigrate.lint.observe import Observer
from modelmigrate.lint.rule import KEEPS_OUT
from modelmigrate.postgres.scratch import scratch_database
from tests.conftest import ROOT
from tests.package.harness import Project, connected, execute, project_of

BASE = """
CREATE TABLE users (id bigint PRIMARY KEY, nick text, bio text);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total numeric);
INSERT INTO users SELECT n FROM generate_series(1, 10) AS n;
"""
FIRST = "20260102000000_next"
SECOND = "20260103000000_later"


@pytest.fixture(scope="module")
def shared() -> Iterator[Project]:
    with project_of("lint") as made:
        made.add("20260101000000_base", BASE)
        yield made


@pytest.fixture
def project(shared: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    yield shared
    for name in (FIRST, SECOND):
        for folder in (shared.migrations, shared.migrations / "down"):
            (folder / f"{name}.sql").unlink(missing_ok=True)
    shared.run("hash")
    shared.set()


def settings(project: Project, text: str) -> None:
    (project.folder / "pyproject.toml").write_text(f"[tool.modelmigrate.lint]\n{text}\n")


def rules(said: str) -> list[str]:
    return re.findall(r"^\S+:\d+: \w+ ([\w-]+):", said, re.MULTILINE)


# --- what is said ---


def test_an_error_says_where_it_is_why_it_hurts_what_it_locks_and_how_it_is_allowed(
    project: Project,
) -> None:
    project.add(FIRST, "-- Nobody reads it.\nALTER TABLE users\n    DROP COLUMN bio;\n")
    linted = project.run("lint")
    assert linted.code == 3
    assert f"migrations/{FIRST}.sql:2: error drop-column: COLUMN public.users.bio is" in linted.out
    assert "programs that still read or write it fail" in linted.out
    assert "ACCESS EXCLUSIVE on public.users for a moment" in linted.out
    assert "-- lint:allow drop-column REASON" in linted.err
    assert "make migrate-hash" in linted.err


def test_a_warning_shows_the_safe_form_and_ends_well(project: Project) -> None:
    project.add(FIRST, "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users;\n")
    linted = project.run("lint")
    assert linted.code == 0
    [safe, later] = re.findall(r"^ +(ALTER TABLE .*;)$", linted.out, re.MULTILINE)
    assert rules(linted.out) == ["foreign-key-not-valid"]
    project.add(FIRST, f"{safe}\n")
    project.add(SECOND, f"{later}\n")
    assert project.run("lint", latest="2").out.startswith("no findings in ")


def test_a_lock_that_an_earlier_statement_took_is_told_with_its_line(project: Project) -> None:
    project.add(FIRST, "ALTER TABLE orders ADD x int;\nCREATE INDEX o ON orders (user_id);\n")
    assert "ACCESS EXCLUSIVE on public.orders, held since line 1" in project.run("lint").out


@pytest.mark.parametrize("reason", ["", "nobody reads it since March"])
def test_a_finding_is_allowed_by_a_line_with_a_reason_and_told_as_such(
    project: Project, reason: str
) -> None:
    project.add(FIRST, f"-- lint:allow drop-column {reason}\nALTER TABLE users DROP bio;\n")
    linted = project.run("lint")
    if reason:
        assert linted.code == 0
        assert f"allowed drop-column: COLUMN public.users.bio is dropped ({reason})" in linted.out
    else:
        assert linted.code == 3
        assert "gives no reason" in linted.out


def test_a_line_allows_one_finding_at_its_own_statement(project: Project) -> None:
    project.add(
        FIRST,
        "-- lint:allow drop-column the first\nALTER TABLE users DROP bio, DROP nick;\n"
        "ALTER TABLE orders DROP total;\n",
    )
    linted = project.run("lint")
    assert linted.code == 3
    assert len(re.findall(r"allowed drop-column", linted.out)) == 1
    assert len(re.findall(r"error drop-column", linted.out)) == 2


def test_a_line_that_names_no_rule_is_an_error_and_one_that_allows_nothing_a_note(
    project: Project,
) -> None:
    project.add(FIRST, "-- lint:allow COLUMN public.users.bio\nALTER TABLE users ADD x int;\n")
    linted = project.run("lint")
    assert linted.code == 3
    assert "names no rule: COLUMN" in linted.out
    project.add(FIRST, "-- lint:allow drop-column gone\nALTER TABLE users ADD x int;\n")
    linted = project.run("lint")
    assert linted.code == 0
    assert "note lint-allow" in linted.out


@pytest.mark.parametrize(
    "comment",
    ["-- atlas:nolint", "-- atlas:nolint destructive", "-- atlas:nolint DS103 MF101"],
)
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_what_atlas_is_told_to_ignore_is_ignored(project: Project, comment: str, gap: str) -> None:
    project.add(FIRST, f"{comment}{gap}ALTER TABLE users DROP bio;\n")
    assert project.run("lint").code == 0
    project.add(FIRST, "-- atlas:nolint incompatible\nALTER TABLE users DROP bio;\n")
    assert project.run("lint").code == 3


def test_a_down_migration_is_told_in_a_line_what_it_loses(project: Project) -> None:
    project.add(FIRST, "ALTER TABLE users ADD phone text;\n")
    project.run("hash")
    linted = project.run("lint")
    assert linted.code == 0
    line = rf"^migrations/down/{FIRST}.sql:\d+: note drop-column: COLUMN public.users.phone is dropped$"
    assert re.search(line, linted.out, re.MULTILINE)


# --- to whom ---


def test_programs_read_json(project: Project) -> None:
    project.add(FIRST, "ALTER TABLE users DROP bio;\n")
    linted = project.run("lint", format="json")
    assert linted.code == 3
    [found] = json.loads(linted.out)["findings"]
    assert (found["rule"], found["level"], found["line"]) == ("drop-column", "error", 1)
    assert found["allowed"] is None


def test_github_shows_findings_at_their_lines_also_in_a_folder_of_a_repository(
    project: Project,
) -> None:
    top = project.folder.parent
    subprocess.run(["git", "init", "-q", top], check=True)
    project.add(FIRST, "\nALTER TABLE users DROP bio;\n")
    linted = project.run("lint", format="github")
    place = f"file=lint/migrations/{FIRST}.sql,line=2,title=drop-column"
    assert linted.out.startswith(f"::error {place}::COLUMN public.users.bio is dropped%0A")


def test_gitlab_reads_a_code_quality_report(project: Project) -> None:
    project.add(FIRST, "ALTER TABLE users DROP bio;\nALTER TABLE users DROP nick;\n")
    rows = json.loads(project.run("lint", format="gitlab").out)
    assert [each["severity"] for each in rows] == ["major", "major"]
    assert [each["location"]["lines"]["begin"] for each in rows] == [1, 2]
    assert len({each["fingerprint"] for each in rows}) == 2


def test_a_merge_request_reads_markdown(project: Project) -> None:
    project.add(FIRST, "CREATE INDEX o ON orders (user_id);\n")
    out = project.run("lint", format="markdown").out
    assert out.startswith("### Migration lint: 1 warning\n")
    assert "```sql\n-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY o ON orders" in out


def test_a_rule_is_explained_and_all_of_them_are(project: Project) -> None:
    one = project.run("lint", explain="set-not-null").out
    assert one.startswith("### set-not-null\n")
    everything = project.run("lint", explain="all").out
    assert one.strip() in everything
    unknown = project.run("lint", explain="nothing")
    assert unknown.code == 1
    assert "there is no rule nothing" in unknown.err


# --- how much it weighs ---


def test_production_is_stricter_and_settings_say_otherwise(project: Project) -> None:
    project.add(FIRST, "CREATE INDEX o ON orders (user_id);\n")
    assert project.run("lint").code == 0
    assert project.run("lint", env="production").code == 3
    settings(project, 'concurrent-index = "error"')
    assert project.run("lint").code == 3
    settings(project, 'concurrent-index = "error"\nindex-not-concurrent = "off"')
    assert project.run("lint").out.startswith("no findings")
    settings(project, '[tool.modelmigrate.lint.staging]\nconcurrent-index = "error"')
    assert project.run("lint").code == 0
    assert project.run("lint", env="staging").code == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('nonsense = "error"', "nonsense, which is no rule"),
        ('destructive = "fatal"', "'fatal' is no level"),
        ('[tool.modelmigrate.lint.production]\nnonsense = "off"', "nonsense, which is no rule"),
    ],
)
def test_a_setting_that_is_not_understood_is_an_error(
    project: Project, text: str, said: str
) -> None:
    settings(project, text)
    linted = project.run("lint")
    assert linted.code == 1
    assert said in linted.err


def test_the_size_of_a_table_counts_where_its_database_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = project.run("db url").out.strip()
    monkeypatch.setenv("LIVE_DATABASE_URL", url)
    execute(url, f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; {BASE} ANALYZE")
    project.add(
        FIRST, "ALTER TABLE users ALTER nick TYPE varchar(9);\nCREATE INDEX o ON users (id);\n"
    )
    linted = project.run("lint", env="live")
    assert "Size: 10 rows, " in linted.out
    assert "note index-not-concurrent" in linted.out
    assert "error narrow-type" in linted.out  # which fails at one row as at many
    settings(project, "small-table = 5")
    assert "warning index-not-concurrent" in project.run("lint", env="live").out


# --- which files ---


def test_what_one_create_wrote_is_one_deployment_and_so_is_what_a_branch_adds(
    project: Project,
) -> None:
    made = "CREATE TABLE notes (id int);\n"
    project.add(FIRST, f"-- Part 1 of 2.\n{made}")
    project.add(SECOND, "-- Part 2 of 2.\nDROP TABLE notes;\n")
    assert project.run("lint").out.startswith(f"no findings in migrations/{FIRST}.sql, ")
    project.add(FIRST, made)
    project.add(SECOND, "DROP TABLE notes;\n")
    assert project.run("lint").code == 3
    assert project.run("lint", latest="2").code == 0


def test_bad_input_ends_with_one_clear_line_and_no_report(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for options, said in (
        ({"latest": "0"}, "latest"),
        ({"format": "xml"}, "Formats: text, json"),
        ({"env": "nowhere"}, "NOWHERE_DATABASE_URL is not set"),
        ({"base": "nowhere", "latest": "1"}, "exclude each other"),
    ):
        linted = project.run("lint", **options)
        assert (linted.code, linted.out) == (1, "")
        assert said in linted.err
    monkeypatch.setenv("GONE_DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/gone")
    linted = project.run("lint", env="gone")
    assert (linted.code, linted.out) == (1, "")
    assert "cannot connect" in linted.err
    assert "secret" not in linted.err


@pytest.mark.parametrize(
    "statement", ["ALTER TABEL users ADD x int", "ALTER TABLE nobody ADD x int"]
)
def test_a_file_that_fails_is_an_error_at_its_line_and_nothing_is_linted(
    project: Project, statement: str
) -> None:
    project.add(FIRST, f"ALTER TABLE users DROP bio;\n{statement};\n")
    linted = project.run("lint")
    assert (linted.code, linted.out) == (1, "")
    assert f"migrations/{FIRST}.sql:2: this statement fails" in linted.err


def test_a_directory_that_does_not_match_its_sum_is_not_linted(project: Project) -> None:
    file = project.add(FIRST, "ALTER TABLE users ADD x int;\n")
    file.write_text("ALTER TABLE users ADD y int;\n")
    linted = project.run("lint")
    assert (linted.code, linted.out) == (4, "")


# --- whether it is true ---

WAITS = {"reads and writes wait": (True, True), "writes wait": (False, True)}


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE users DROP bio",
        "CREATE INDEX u ON users (nick)",
        "ALTER TABLE users ADD CONSTRAINT nicks CHECK (nick <> '') NOT VALID",
        "ALTER TABLE users VALIDATE CONSTRAINT known",
        "LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE",
        "ALTER TABLE users ALTER id TYPE numeric",
    ],
)
def test_who_waits_for_a_statement_waits_on_a_real_server(project: Project, statement: str) -> None:
    known = "ALTER TABLE users ADD CONSTRAINT known CHECK (id > 0) NOT VALID"
    url = project.run("db url").out.strip()
    execute(url, f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; {BASE} {known}")
    project.add(FIRST, f"{known};\n")
    project.add(SECOND, f"{statement};\n")
    settings(project, 'lock-table = "warn"')
    out = project.run("lint", format="json").out
    locks = [each["lock"] for each in json.loads(out)["findings"] if each["lock"]]
    expected = WAITS[locks[0].rpartition(": ")[2]] if locks else None
    with connected(url) as migrating, connected(url) as other:
        migrating.execute(f"BEGIN; {statement}")
        query = "SELECT mode FROM pg_locks WHERE relation = 'users'::regclass AND pid = %s"
        modes = {mode for (mode,) in other.execute(query, [migrating.info.backend_pid])}
        other.execute("SET lock_timeout = '50ms'")
        waits = tuple(
            raises(other, each)
            for each in ("SELECT FROM users", "INSERT INTO users VALUES (99, 'a')")
        )
    if "VALIDATE" in statement:
        assert (expected, waits) == (None, (False, False))
    elif "NOT VALID" in statement:  # for a moment only, which is no finding
        assert (expected, waits) == (None, (True, True))
    else:
        assert waits == expected
        assert any(
            name == locks[0].partition(" on ")[0] for m in modes for name, _ in [KEEPS_OUT[m]]
        )


def raises(connection: psycopg.Connection[object], statement: str) -> bool:
    try:
        connection.execute(statement.encode())
    except psycopg.errors.LockNotAvailable:
        return True
    return False


def test_the_page_of_the_rules_is_what_they_say_of_themselves(project: Project) -> None:
    page = ROOT / "docs/lint.md"
    assert page.read_text(encoding="utf-8") == project.run("lint", explain="all").out


# Each changes the catalogs in another way, or another part of them.
STATEMENTS = """
    ALTER TABLE a ADD COLUMN y integer DEFAULT 7, ADD CONSTRAINT positive CHECK (y > 0) NOT VALID;
    ALTER TABLE a VALIDATE CONSTRAINT positive;
    ALTER TABLE a ALTER COLUMN y SET NOT NULL;
    ALTER TABLE a ALTER COLUMN y TYPE bigint;
    CREATE INDEX ix_a ON a (y);
    ALTER INDEX ix_a RENAME TO ix_b;
    ALTER TABLE a RENAME COLUMN y TO z;
    CREATE TABLE b (id integer PRIMARY KEY, a_id integer REFERENCES a (id));
    ALTER TABLE a RENAME TO c;
    CREATE FUNCTION f(integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT 1';
    CREATE INDEX ix_f ON c (f(id));
    CREATE OR REPLACE FUNCTION f(integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT 2';
    GRANT SELECT ON c TO PUBLIC;
    GRANT UPDATE (z) ON c TO PUBLIC;
    REVOKE EXECUTE ON FUNCTION f FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
    CREATE TYPE mood AS ENUM ('ok');
    ALTER TYPE mood ADD VALUE 'sad';
    ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';
    ALTER TYPE mood RENAME TO moods;
    CREATE VIEW v AS SELECT id, z FROM c;
    CREATE MATERIALIZED VIEW m AS SELECT f(id) FROM c;
    CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER t BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION t();
    ALTER TABLE c DISABLE TRIGGER t;
    ALTER TABLE c ENABLE ROW LEVEL SECURITY;
    CREATE POLICY p ON c USING (true);
    CREATE TABLE parts (id integer) PARTITION BY LIST (id);
    CREATE TABLE part (id integer);
    ALTER TABLE parts ATTACH PARTITION part FOR VALUES IN (1);
    ALTER TABLE parts DETACH PARTITION part;
    REINDEX TABLE c;
    TRUNCATE part;
    CREATE SCHEMA s;
    ALTER TABLE part SET SCHEMA s;
    ALTER SCHEMA s RENAME TO s2;
    DO $$ BEGIN ALTER TABLE b ADD COLUMN x text; END $$;
    DROP VIEW v;
    ALTER TABLE c DROP COLUMN z CASCADE;
    DROP TABLE c CASCADE;
    DROP FUNCTION f(integer)"""


@pytest.mark.usefixtures("project")
def test_what_is_known_of_the_catalogs_is_what_is_there_after_any_statement() -> None:
    with scratch_database() as url:
        execute(url, "CREATE TABLE a (id integer PRIMARY KEY, x text)")
        with Observer(url) as observer:
            for number, statement in enumerate(STATEMENTS.split(";\n")):
                known = observer.run("a", f"{statement};").end
                observer.connection.execute("SET search_path = ''")
                assert known == Catalog(**read_catalog(observer.connection)), (number, statement)
                observer.connection.execute("SET search_path = public")
