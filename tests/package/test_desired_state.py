"""What the models make is made once, whatever its kind; and where it cannot be made, the cause is told."""

import pytest

from modelmigrate.atlas.commands import REVISIONS_TABLE
from modelmigrate.atlas.directory import read_migrations
from modelmigrate.postgres.server import server_url
from modelmigrate.schema.dump import read_schema
from modelmigrate.schema.states import replay_migrations
from tests.package.harness import Project, execute
from tests.package.test_create import back, created, migrated, models, refused

SEQUENCE = "CREATE SEQUENCE invoice;"
USERS = "CREATE TABLE users (id INTEGER NOT NULL, PRIMARY KEY (id));"
# By the types of SQLAlchemy, and by DDL that listens to `before_create` and `after_create`.
OF_MODELS = (
    SEQUENCE,
    "CREATE SCHEMA IF NOT EXISTS audit;",
    "CREATE DOMAIN short AS VARCHAR(5);",
    "CREATE TYPE pair AS (a INTEGER, b INTEGER);",
    "CREATE EXTENSION IF NOT EXISTS citext;",
    "CREATE FUNCTION one() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1';",
    "CREATE TABLE events (id INTEGER DEFAULT nextval('invoice'), code short, both_of pair, name citext,"
    " at DATE NOT NULL) PARTITION BY RANGE (at);",
    "CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
    "CREATE INDEX ix_events ON events (id);",
    "CREATE TABLE audit.log (id INTEGER NOT NULL, PRIMARY KEY (id));",
)


def test_what_models_make_of_any_kind_is_made_once_and_later_changes_are_planned(
    project: Project, live: str
) -> None:
    models(project, *OF_MODELS)
    assert created(project)
    migrated(project)
    assert created(project) == []
    changed = [each.replace("at DATE", "more TEXT, at DATE") for each in OF_MODELS]
    models(project, *changed)
    [text] = created(project)
    # In full, since the models have tables in more than one schema.
    assert text.strip() == 'ALTER TABLE "public"."events" ADD COLUMN "more" text NULL;'
    migrated(project)
    before = read_schema(live)
    models(project, SEQUENCE.replace(";", " INCREMENT BY 5;"), *changed[1:])
    [text] = created(project)
    assert text.startswith("ALTER SEQUENCE public.invoice ")
    migrated(project)
    back(project, 1)
    assert read_schema(live) == before


def test_models_that_are_printed_in_another_order_are_the_state_that_was_built_before(
    project: Project,
) -> None:
    indexes = [f"CREATE INDEX ix_{column} ON pairs ({column});" for column in "abc"]
    tables = "CREATE TABLE pairs (a INTEGER, b INTEGER, c INTEGER);"
    models(project, tables, *indexes)
    assert created(project)
    assert project.run("check").code == 0
    query = "SELECT datname FROM pg_database WHERE starts_with(datname, 'kept_') ORDER BY oid"
    built = execute(server_url("scratch"), query)
    models(project, *reversed(indexes), tables)
    assert project.run("check").code == 0
    assert execute(server_url("scratch"), query) == built


def test_what_atlas_wrote_over_in_a_long_file_is_not_copied_with_each_clone(
    project: Project,
) -> None:
    text = "CREATE TABLE pairs (a INTEGER);\n" + "COMMENT ON TABLE pairs IS 'two';\n" * 400
    project.add("20260101000000_long", text)
    assert project.run("validate").code == 0
    with replay_migrations(read_migrations()) as url:
        [(size,)] = execute(url, f"SELECT pg_total_relation_size('{REVISIONS_TABLE}')")
        assert size < 200_000
        [revision] = execute(url, f"TABLE {REVISIONS_TABLE}")
        assert 401 in revision


def test_what_models_make_may_need_what_only_a_migration_makes(project: Project) -> None:
    project.add("20200101000000_by_hand", "CREATE TYPE pair AS (a INTEGER);")
    models(project, "CREATE DOMAIN code AS pair;", "CREATE TABLE t (c code);")
    assert created(project)
    assert created(project) == []


def test_a_sequence_that_is_gone_from_the_models_stays_and_how_to_drop_it_is_told(
    project: Project, live: str
) -> None:
    models(project, SEQUENCE, USERS.replace("L,", "L DEFAULT nextval('invoice'),"))
    assert created(project)
    migrated(project)
    execute(live, "SELECT nextval('invoice')")
    models(project, USERS)
    note = "note: keeps SEQUENCE public.invoice, which no model declares and no column uses."
    for _ in range(2):  # with the change, and where there is none
        ran = project.run("create", message="gone")
        assert note in ran.out, ran.said
        assert "_<name>.sql: DROP SEQUENCE public.invoice; Then: make migrate-hash" in ran.out
    migrated(project)
    assert execute(live, "SELECT nextval('invoice')") == [(2,)]
    project.add("21000101000000_drop", "DROP SEQUENCE public.invoice;")
    assert project.run("create", message="gone").out.startswith("No changes")


def test_a_sequence_that_a_column_uses_is_told_of_only_once_it_does_not(project: Project) -> None:
    project.add("20200101000000_by_hand", SEQUENCE)
    models(project, USERS.replace("L,", "L DEFAULT nextval('invoice'),"))
    assert "note:" not in project.run("create", message="first").said
    models(project, USERS)
    assert "note: keeps SEQUENCE public.invoice" in project.run("create", message="second").said


def test_what_failed_first_is_told_and_what_needs_it_is_counted(project: Project) -> None:
    tables = [f"CREATE TABLE t{n} (id INTEGER REFERENCES root (id));" for n in range(40)]
    indexes = [f"CREATE INDEX ix_t{n} ON t{n} (id);" for n in range(40)]
    root = "CREATE TABLE root (id INTEGER PRIMARY KEY, name {0}, other {0});"
    second = "CREATE TABLE second (name {0});"
    models(project, root.format("citext"), second.format("citext"), *tables, *indexes)
    said = refused(project, 1)
    assert said.count("does not exist") == 1
    assert "CREATE TABLE root (id INTEGER PRIMARY KEY, name citext" in said
    assert 'type "citext" does not exist' in said
    assert "\n  and 81 more that need it\n" in said
    command = said.partition("Declare it:\n")[2].splitlines()[0]
    assert "echo 'CREATE EXTENSION citext;' > " in command
    # What it says to type is all that is missing.
    file = project.folder / command.rpartition("> ")[2]
    file.parent.mkdir(parents=True)
    try:
        file.write_text("CREATE EXTENSION citext;\n", encoding="utf-8")
        assert created(project)
    finally:
        file.unlink()


def test_two_causes_are_both_told(project: Project) -> None:
    models(project, USERS.replace("PRIMARY", "n nosuch, PRIMARY"), "CREATE TABLE x (id users[]);",
           "CREATE TABLE y (id nonesuch);")  # fmt: skip
    said = refused(project, 1)
    assert 'type "nosuch" does not exist' in said
    assert 'type "nonesuch" does not exist' in said
    assert "and 1 more that needs these" in said


TABLE = "CREATE TABLE t (n INTEGER, name TEXT);"
NEEDY = {
    "hstore": ["CREATE TABLE t (h hstore);"],
    "pg_trgm": [TABLE, "CREATE INDEX i ON t USING gin (name gin_trgm_ops);"],
    "btree_gist": [TABLE, "ALTER TABLE t ADD EXCLUDE USING gist (n WITH =);"],
    "unaccent": ["CREATE TABLE t (name TEXT DEFAULT unaccent('a'));"],
    "uuid-ossp": ["CREATE TABLE t (id UUID DEFAULT uuid_generate_v4());"],
    "pgcrypto": ["CREATE TABLE t (name TEXT DEFAULT crypt('a', 'b'));"],
    "postgis": ["CREATE TABLE t (place geometry(Point, 4326));"],
}


@pytest.mark.parametrize("extension", NEEDY)
def test_the_extension_that_is_missing_is_named_and_how_to_get_it(
    project: Project, live: str, extension: str
) -> None:
    models(project, *NEEDY[extension])
    said = refused(project, 1)
    assert f"That belongs to the extension {extension}" in said
    if (extension,) in execute(live, "SELECT name FROM pg_available_extensions"):
        assert f"echo 'CREATE EXTENSION {extension};' > " in said
        assert "DATABASE_URL" not in said
    else:
        assert "which the PostgreSQL of this project does not have. Set DATABASE_URL" in said


def test_an_extension_that_the_server_does_not_have_is_the_cause_of_the_rest(
    project: Project,
) -> None:
    models(project, "CREATE TABLE t (place geometry);", "CREATE EXTENSION postgis;")
    said = refused(project, 1)
    assert 'extension "postgis" is not available' in said
    assert "geometry" not in said
    assert "and 1 more that needs it" in said
    assert "Set DATABASE_URL" in said


def test_what_is_missing_and_of_no_extension_has_no_hint(project: Project) -> None:
    models(
        project, "CREATE TABLE t (a vectors, b digest);", "CREATE TABLE u (n INT DEFAULT crypts());"
    )
    assert "extension" not in refused(project, 1)
