"""Policies and domains: what may stand in their files, whose they are, and what a change of them asks."""

import pytest
from psycopg.conninfo import make_conninfo

from modelmigrate.planning.contents import read_contents
from modelmigrate.planning.rows import fill_with_rows
from modelmigrate.schema.dump import read_schema
from tests.package.harness import Project, execute
from tests.package.test_create import back, created, migrated, models, refused
from tests.package.test_objects import MINE, SHORT, USERS, by_hand, put, same, written

ENABLE = "ALTER TABLE users ENABLE ROW LEVEL SECURITY;"
FORCE = "ALTER TABLE users FORCE ROW LEVEL SECURITY;"
WORD = "CREATE DOMAIN word AS TEXT;"
WORDS = "CREATE TABLE words (id INTEGER NOT NULL, word word, PRIMARY KEY (id));"


def test_row_security_may_stand_in_the_files_of_several_policies_and_in_one_of_its_own(
    project: Project, live: str
) -> None:
    models(project, USERS)
    other = MINE.replace("mine", "other")
    put(project, "policies/mine", MINE)
    put(project, "policies/other", other)
    put(project, "policies/users", "ALTER TABLE ONLY users ENABLE ROW LEVEL SECURITY")
    created(project)
    migrated(project)
    assert created(project) == []
    assert same(live, [USERS, MINE, other])


def test_row_security_ends_with_the_last_file_that_enables_it(project: Project, live: str) -> None:
    models(project, USERS)
    put(project, "policies/users", f"{ENABLE}\n{FORCE}")
    created(project)
    migrated(project)
    assert same(live, [USERS, ENABLE, FORCE])
    put(project, "policies/users", f"{ENABLE} ALTER TABLE users NO FORCE ROW LEVEL SECURITY;")
    created(project)
    migrated(project)
    assert same(live, [USERS, ENABLE])
    put(project, "policies/users", MINE.partition("ALTER")[0])
    assert "note: drops ROW SECURITY public.users" in written(project)
    migrated(project)
    assert same(live, [USERS, MINE.partition("ALTER")[0]])
    back(project, 2)
    assert same(live, [USERS, ENABLE, FORCE])


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE users DISABLE ROW LEVEL SECURITY;",
        "ALTER TABLE users ADD bio text, ENABLE ROW LEVEL SECURITY;",
        "ALTER POLICY mine ON users USING (true);",
    ],
)
def test_a_file_of_a_policy_changes_nothing_else(project: Project, statement: str) -> None:
    models(project, USERS)
    put(project, "policies/mine", f"{MINE}\n{statement}")
    assert f"policies/mine.sql: {statement}" in refused(project, 3)


def test_a_domain_of_a_model_needs_no_file_and_goes_with_a_note_when_the_model_does(
    project: Project, live: str
) -> None:
    models(project, WORD, WORDS)
    created(project)
    migrated(project)
    assert created(project) == []
    models(project, WORDS.replace("word word", "word TEXT"))
    assert "note: drops DOMAIN public.word" in written(project)
    migrated(project)
    assert "DOMAIN public.word" not in read_schema(live)
    assert created(project) == []


def test_a_domain_stays_when_a_file_takes_it_over_from_a_model(project: Project) -> None:
    models(project, WORD, WORDS)
    created(project)
    models(project, WORDS)
    put(project, "domains/word", WORD)
    assert created(project) == []


def test_a_check_that_is_spelled_another_way_is_no_change(project: Project) -> None:
    listed = "CREATE DOMAIN short AS varchar CONSTRAINT few CHECK (VALUE IN ('a', 'b'));"
    mine = "CREATE POLICY mine ON users USING (nick IN ('a', 'b'));"
    by_hand(project, USERS, listed, mine)
    models(project, USERS)
    put(project, "domains/short", listed)
    put(project, "policies/mine", mine)
    assert created(project) == []


def test_rows_that_forced_policies_hide_are_made_up_and_read_all_the_same(live: str) -> None:
    """By an owner who is no superuser, as on a server of DATABASE_URL."""
    execute(
        live,
        "DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN; GRANT ALL ON SCHEMA public TO plain",
    )
    url = make_conninfo(live, user="plain")
    execute(url, f"{USERS} CREATE POLICY none ON users USING (false); {ENABLE} {FORCE}")
    fill_with_rows(url)
    assert execute(url, "SELECT * FROM users") == []
    assert any("text 1" in held for held in read_contents(url).values.values())
    assert execute(url, "SELECT * FROM users") == []
    execute(live, "DROP OWNED BY plain; DROP ROLE plain")


def test_values_that_a_domain_can_no_longer_hold_are_counted_before_they_are_lost(
    project: Project, live: str
) -> None:
    models(project, WORDS.replace("word word", "word short"))
    put(project, "domains/short", "CREATE DOMAIN short AS integer;")
    created(project)
    put(project, "domains/short", "CREATE DOMAIN short AS numeric;")
    created(project)
    migrated(project)
    execute(live, "INSERT INTO words VALUES (1, 7), (2, 7.5)")
    ran = project.run("down", env="live", yes=True)
    assert ran.code == 3
    assert "words.word: 1" in ran.said
    assert execute(live, "SELECT sum(word) FROM words") == [(14.5,)]


def test_an_attribute_of_a_composite_type_is_not_lost_without_a_word(
    project: Project, live: str
) -> None:
    table = "CREATE TABLE users (id integer PRIMARY KEY, p pair);"
    by_hand(project, "CREATE TYPE pair AS (a integer);", table)
    by_hand(project, "ALTER TYPE pair ADD ATTRIBUTE b text;")
    execute(live, "INSERT INTO users VALUES (1, ROW(1, NULL)), (2, ROW(2, 'x'))")
    ran = project.run("down", env="live", yes=True)
    assert ran.code == 3
    assert "users.p.b: 1" in ran.said
    assert project.run("down", env="live", yes=True, allow_loss="users.p.b").code == 0
    assert execute(live, "SELECT p::text FROM users ORDER BY id") == [("(1)",), ("(2)",)]


def test_an_array_of_a_type_with_attributes_in_another_order_is_named_where_there_is_no_way_back(
    project: Project,
) -> None:
    table = "CREATE TABLE users (id integer PRIMARY KEY, p pair[]);"
    by_hand(project, "CREATE TYPE pair AS (a integer, b text);", table)
    by_hand(project, "ALTER TYPE pair DROP ATTRIBUTE a;")
    ran = project.run("down", env="live", yes=True)
    assert ran.code == 3
    assert "TYPE public.pair cannot be made another one where it is in use: users.p" in ran.said


def test_what_uses_a_domain_that_cannot_be_converted_is_named(project: Project) -> None:
    models(
        project, "CREATE TABLE words (id INTEGER NOT NULL, word short) PARTITION BY LIST (word);"
    )
    put(project, "domains/short", SHORT)
    created(project)
    put(project, "domains/short", SHORT.replace("varchar", "text"))
    message = refused(project, 3)
    assert (
        "DOMAIN public.short cannot be made another one where it is in use: words.word" in message
    )
    assert "partition key" in message
