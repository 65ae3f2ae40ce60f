"""SQL as text: what each pattern matches and must not match, and where statements begin and end."""

import re

import pytest

from modelmigrate.sql import patterns
from modelmigrate.sql.alter import parse_alter_table
from modelmigrate.sql.names import IDENTIFIER, quote, unquote
from modelmigrate.sql.statements import (
    inside_atomic_body,
    replace_outside_quotes,
    shorten,
    split_parentheses,
    split_statements,
    strip_comments,
)

# --- names ---


@pytest.mark.parametrize("name", ["users", "_x1", "a$b", "größe", '"net price"', '"a""b"', '"1"'])
def test_an_identifier(name: str) -> None:
    assert re.fullmatch(IDENTIFIER, name)


@pytest.mark.parametrize(
    "text", ["", "1a", "$a", "'users'", "net price", "public.users", '""', '"a']
)
def test_no_identifier(text: str) -> None:
    assert not re.fullmatch(IDENTIFIER, text)


@pytest.mark.parametrize(
    ("name", "written"), [("users", '"users"'), ("net price", '"net price"'), ('a"b', '"a""b"')]
)
def test_quotes_of_a_name_are_added_and_removed(name: str, written: str) -> None:
    assert quote(name) == written
    assert unquote(written) == name


def test_a_name_without_quotes_stays() -> None:
    assert unquote("users") == "users"


# --- tables ---


@pytest.mark.parametrize("name", ["users_id_not_null", "users_id_not_null1", '"a b_id_not_null"'])
def test_a_name_that_postgresql_gave_to_a_not_null_goes(name: str) -> None:
    line = f"id integer CONSTRAINT {name} NOT NULL"
    assert patterns.AUTOMATIC_NOT_NULL_NAME.sub(" NOT NULL", line) == "id integer NOT NULL"


@pytest.mark.parametrize(
    "line",
    [
        "id integer NOT NULL",
        "id integer CONSTRAINT required NOT NULL",
        'id integer CONSTRAINT "is required" NOT NULL',
        "CONSTRAINT users_id_not_null CHECK (id > 0)",
        'CONSTRAINT "a_not_null" CHECK ((id IS NOT NULL))',
    ],
)
def test_a_name_that_somebody_chose_stays(line: str) -> None:
    assert patterns.AUTOMATIC_NOT_NULL_NAME.sub(" NOT NULL", line) == line


@pytest.mark.parametrize(
    ("statement", "table", "actions"),
    [
        ('ALTER TABLE "users" DROP COLUMN "a", ADD b int;', '"users"', ['DROP COLUMN "a"', "ADD b int"]),
        ("ALTER TABLE ONLY public.users ADD CHECK (a IN (1, 2))", "public.users", ["ADD CHECK (a IN (1, 2))"]),
        ("-- why\nALTER TABLE users ALTER a SET DEFAULT ',;';", "users", ["ALTER a SET DEFAULT ',;'"]),
        ('ALTER TABLE IF EXISTS "a, b"."c d" RENAME TO e;', '"a, b"."c d"', ["RENAME TO e"]),
    ],
)  # fmt: skip
def test_the_actions_of_an_alter_table(statement: str, table: str, actions: list[str]) -> None:
    found = parse_alter_table(statement)
    assert found is not None
    assert (found.table, found.actions) == (table, actions)


@pytest.mark.parametrize("statement", ["ALTER TYPE a ADD VALUE 'b';", "DROP TABLE a;", "SELECT 1;"])
def test_no_alter_table(statement: str) -> None:
    assert parse_alter_table(statement) is None


# --- indexes ---


@pytest.mark.parametrize(
    ("statement", "parts"),
    [
        ('CREATE INDEX "i" ON "users" ("id");', ("CREATE INDEX", '"i"', '"users"')),
        ("CREATE UNIQUE INDEX i ON users (id);", ("CREATE UNIQUE INDEX", "i", "users")),
        (
            "CREATE INDEX i ON ONLY public.users USING btree (id);",
            ("CREATE INDEX", "i", "public.users"),
        ),
        ('CREATE INDEX "a.b" ON "my s"."t""x" (id);', ("CREATE INDEX", '"a.b"', '"my s"."t""x"')),
        ('DROP INDEX "i";', ("DROP INDEX", '"i"', None)),
        ("DROP INDEX IF EXISTS public.i;", ("DROP INDEX", "public.i", None)),
        # The caller removes CONCURRENTLY first.
        ("DROP INDEX CONCURRENTLY i;", ("DROP INDEX", "CONCURRENTLY", None)),
    ],
)
def test_an_index_statement(statement: str, parts: tuple[str, str, str | None]) -> None:
    found = patterns.INDEX_STATEMENT.match(statement)
    assert found
    assert (found["verb"], found["name"], found["table"]) == parts


@pytest.mark.parametrize(
    "statement",
    [
        "REINDEX INDEX i;",
        "ALTER INDEX i RENAME TO j;",
        "CREATE TABLE index (id integer);",
        "COMMENT ON INDEX i IS 'DROP INDEX i';",
    ],
)
def test_no_index_statement(statement: str) -> None:
    assert not patterns.INDEX_STATEMENT.match(statement)


@pytest.mark.parametrize(
    ("statement", "matches"),
    [
        ("CREATE INDEX CONCURRENTLY i ON users (id);", True),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON users (id);", True),
        ("DROP INDEX CONCURRENTLY i;", True),
        ("CREATE INDEX concurrently ON users (id);", False),
        ('CREATE INDEX "CONCURRENTLY " ON users (id);', False),
        ("REINDEX INDEX CONCURRENTLY i;", False),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY sizes;", False),
        ("SELECT 1; DROP INDEX CONCURRENTLY i;", False),
    ],
)
def test_an_index_statement_outside_a_transaction(statement: str, matches: bool) -> None:
    assert bool(patterns.CONCURRENTLY.match(statement)) == matches


# --- other statements ---


@pytest.mark.parametrize(
    ("statement", "matches"),
    [
        ("ALTER TYPE \"mood\" ADD VALUE 'ok';", True),
        ("ALTER TYPE public.\"my mood\" ADD VALUE IF NOT EXISTS 'ok' BEFORE 'sad';", True),
        ("ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';", False),
        ("ALTER TYPE size ADD ATTRIBUTE value integer;", False),
        ("COMMENT ON TYPE mood IS 'ALTER TYPE mood ADD VALUE ';", False),
    ],
)
def test_the_addition_of_an_enum_value(statement: str, matches: bool) -> None:
    assert bool(patterns.ADD_ENUM_VALUE.match(statement)) == matches


@pytest.mark.parametrize(
    ("column", "matches"),
    [
        ("amount numeric(12,2) DEFAULT '0'::numeric NOT NULL", True),
        ("id bigint DEFAULT '-1'::bigint", True),
        ("ratio double precision DEFAULT '0'::double precision", True),
        ("amount numeric DEFAULT 1.5", False),
        ("code text DEFAULT '0'::text", False),
        ("amounts numeric[] DEFAULT '{}'::numeric[]", False),
        ("n integer DEFAULT 0", False),
    ],
)
def test_the_number_in_quotes(column: str, matches: bool) -> None:
    assert bool(patterns.QUOTED_NUMBER.search(column)) == matches


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ('CREATE TABLE "users" ("id" integer);', ['"users"']),
        ("ALTER TABLE ONLY public.users ADD COLUMN nick text;", ["public.users"]),
        ('DROP TABLE IF EXISTS "public"."users";', ['"public"."users"']),
        ("CREATE UNIQUE INDEX i ON users (id);", ["users"]),
        ("CREATE TRIGGER t BEFORE UPDATE ON public.users EXECUTE FUNCTION f();", ["public.users"]),
        ("CREATE POLICY p ON users USING (true);", ["users"]),
        ("insert into users select * from teams;", ["users"]),
        ("UPDATE users SET id = 1;", ["users"]),
        ("DELETE FROM users; TRUNCATE teams;", ["users", "teams"]),
        ("SELECT id FROM users FOR UPDATE;", []),
        ("SELECT id FROM users JOIN teams ON users.team = teams.id;", []),
        ('TRUNCATE billing."net price";', ['billing."net price"']),
        ("DROP INDEX i;", []),
        ("CREATE TYPE mood AS ENUM ('UPDATE');", []),
        ("ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c ON UPDATE CASCADE;", ["a"]),
    ],
)
def test_the_tables_that_a_migration_changes(statement: str, tables: list[str]) -> None:
    assert [found["name"] for found in patterns.CHANGED_TABLE.finditer(statement)] == tables


# --- statements ---

ATOMIC = (
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;"
)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT ';';",
        "SELECT 'it''s;';",
        r"SELECT E'\';';",
        r"SELECT e'a\\';",
        r"SELECT '\';",
        'SELECT ";" FROM "a""b;";',
        "DO $$ BEGIN; END $$;",
        "DO $body$ SELECT $$;$$; $body$;",
        "SELECT 1 -- ; '\n;",
        "SELECT 1 /* ; ' */;",
        "/* /* */ ; */ SELECT 1;",
        "SELECT /* /* a; /* ; */ */ ; */ 1;",
        "SELECT a$b$c;",
        "-- a comment; of 'its\nSELECT 1;",
        "SELECT 1 - 2 / 3;",
        "SELECT name, price FROM e;",
        ATOMIC,
        ATOMIC.replace("1 END", "1 END AS end"),
        ATOMIC.replace("SELECT 2", "SELECT 2 AS case"),
        ATOMIC.replace("SELECT 2", "SELECT spans.end FROM spans"),
        ATOMIC.replace("SELECT 2;", "SELECT 2; -- the END;\n"),
    ],
)
def test_a_semicolon_inside_quotes_bodies_or_comments_ends_nothing(statement: str) -> None:
    assert split_statements(f"{statement}\n\nSELECT 'next';") == [statement, "SELECT 'next';"]


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        (" \n;; -- nothing\n;", []),
        ("-- only a comment", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;SELECT 2", ["SELECT 1;", "SELECT 2"]),
        ("SELECT 1; -- after\nSELECT 2;", ["SELECT 1;", "-- after\nSELECT 2;"]),
    ],
)
def test_statements_keep_the_comments_before_them(text: str, statements: list[str]) -> None:
    assert split_statements(text) == statements


@pytest.mark.parametrize(
    ("code", "inside"),
    [
        ("SELECT 1;", False),
        ("BEGIN;", False),
        ("SELECT CASE WHEN a THEN b;", False),
        ("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1;", True),
        ("create function f() begin\n  atomic select 1;", True),
        ("CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN a THEN b END;", True),
        ("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; END;", False),
        ("CREATE FUNCTION f() BEGIN ATOMIC SELECT weekend;", True),
        ("SELECT begin_atomic;", False),
    ],
)
def test_the_inside_of_an_atomic_body(code: str, inside: bool) -> None:
    assert inside_atomic_body(code) == inside


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("DROP TABLE a;", "DROP TABLE IF EXISTS a;"),
        ("COMMENT ON TABLE a IS 'DROP TABLE b';", "COMMENT ON TABLE a IS 'DROP TABLE b';"),
        ('ALTER TABLE "DROP TABLE a" ADD b int;', 'ALTER TABLE "DROP TABLE a" ADD b int;'),
        ("DO $$ DROP TABLE a; $$;", "DO $$ DROP TABLE a; $$;"),
        ("-- DROP TABLE a\nDROP TABLE b;", "-- DROP TABLE a\nDROP TABLE IF EXISTS b;"),
        ("/* DROP TABLE a */", "/* DROP TABLE a */"),
    ],
)
def test_a_replacement_spares_quotes_bodies_and_comments(text: str, replaced: str) -> None:
    assert replace_outside_quotes(text, "(DROP TABLE )", r"\1IF EXISTS ") == replaced


@pytest.mark.parametrize(
    ("statement", "parts"),
    [
        (
            "CREATE TABLE t (a int, b numeric(1, 2)) WITH (x=1);",
            ("CREATE TABLE t (", ["a int", "b numeric(1, 2)"], ") WITH (x=1);"),
        ),
        (
            """CREATE TABLE "t(" (a text DEFAULT '),', -- )\nb int);""",
            ('CREATE TABLE "t(" (', ["a text DEFAULT '),'", "-- )\nb int"], ");"),
        ),
        ("SELECT 1;", ("SELECT 1;", [], "")),
        ("SELECT f(1", ("SELECT f(1", [], "")),
    ],
)
def test_the_items_in_parentheses(statement: str, parts: tuple[str, list[str], str]) -> None:
    assert split_parentheses(statement) == parts


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT 1; -- after", "SELECT 1; -- after"),
        ("  \n-- one\n  -- two\n/* three\nfour */ SELECT 1;", "SELECT 1;"),
        ("-- SELECT 1;", ""),
        ("SELECT '-- a';", "SELECT '-- a';"),
        ("- 1", "- 1"),
    ],
)
def test_only_the_comments_before_a_statement_go(statement: str, code: str) -> None:
    assert strip_comments(statement) == code


def test_a_long_statement_is_cut_for_a_message() -> None:
    assert shorten("-- why\nSELECT\n    1;\n") == "SELECT 1;"
    assert shorten("x" * 100) == "x" * 100
    assert shorten("x" * 101) == "x" * 97 + "..."
