"""SQL as text: what each pattern matches and must not match, and where statements begin and end.

What is known to be misread is in test_known_defects.py.
"""

import re

import pytest

from modelmigrate.sql import patterns
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


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("CREATE TABLE public.users (", "public.users"),
        ("CREATE UNLOGGED TABLE public.users (", "public.users"),
        ('CREATE TABLE public."net price (old)" (', 'public."net price (old)"'),
    ],
)
def test_the_head_of_a_table(head: str, name: str) -> None:
    found = patterns.TABLE_HEAD.fullmatch(head)
    assert found
    assert found["name"] == name


@pytest.mark.parametrize(
    "head",
    [
        "CREATE FOREIGN TABLE public.users (",
        "CREATE TYPE public.size AS (",
        "CREATE TABLE public.users AS",
        "ALTER TABLE public.users (",
    ],
)
def test_no_head_of_a_table(head: str) -> None:
    assert not patterns.TABLE_HEAD.search(head)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("id integer", {"name": "id", "type": "integer"}),
        ("id integer NOT NULL", {"name": "id", "type": "integer"}),
        ('"net price" numeric(10,2)', {"name": '"net price"', "type": "numeric(10,2)"}),
        ("at timestamp with time zone", {"name": "at", "type": "timestamp with time zone"}),
        ('nick text COLLATE "C"', {"name": "nick", "type": 'text COLLATE "C"'}),
        (
            "nick text DEFAULT 'a\nb'::text NOT NULL",
            {"name": "nick", "type": "text", "default": "'a\nb'::text"},
        ),
        (
            "n integer GENERATED ALWAYS AS ((id + 1)) STORED NOT NULL",
            {"name": "n", "type": "integer", "computed": "((id + 1))", "stored": " STORED"},
        ),
        (
            "n integer GENERATED ALWAYS AS ((id + 1))",
            {"name": "n", "type": "integer", "computed": "((id + 1))"},
        ),
    ],
)
def test_a_column(line: str, parts: dict[str, str]) -> None:
    found = patterns.COLUMN_DEFINITION.fullmatch(line)
    assert found
    assert {name: part for name, part in found.groupdict().items() if part} == parts


@pytest.mark.parametrize("line", ["", "id", "1 integer", "'id' integer"])
def test_no_column(line: str) -> None:
    assert not patterns.COLUMN_DEFINITION.fullmatch(line)


def test_the_name_of_a_not_null_goes_and_other_constraints_stay() -> None:
    def without_name(line: str) -> str:
        return patterns.NOT_NULL_NAME.sub(" NOT NULL", line)

    assert without_name("id integer CONSTRAINT users_id NOT NULL") == "id integer NOT NULL"
    assert without_name('id integer CONSTRAINT "a b" NOT NULL') == "id integer NOT NULL"
    for line in (
        "id integer NOT NULL",
        "CONSTRAINT c CHECK (NOT NULL)",
        "CONSTRAINT c CHECK (id > 0)",
    ):
        assert without_name(line) == line


# --- expressions ---

VARCHAR = "'::character varying"


@pytest.mark.parametrize("text", [f"'a{VARCHAR}", f"'it''s{VARCHAR}", f"'{VARCHAR}"])
def test_a_text_literal(text: str) -> None:
    assert re.fullmatch(patterns.TEXT_LITERAL, text)


@pytest.mark.parametrize("text", ["'a'::text", f"a{VARCHAR}", f"'a'b{VARCHAR}", f"1{VARCHAR[1:]}"])
def test_no_text_literal(text: str) -> None:
    assert not re.fullmatch(patterns.TEXT_LITERAL, text)


@pytest.mark.parametrize("items", [f"'a{VARCHAR}", f"'a{VARCHAR}, 'b, c{VARCHAR}"])
def test_a_cast_of_a_text_array(items: str) -> None:
    found = patterns.CAST_OF_TEXT_ARRAY.search(f"CHECK (x = ANY ((ARRAY[{items}])::text[]))")
    assert found
    assert found[1] == items


@pytest.mark.parametrize(
    "expression",
    [
        f"(ARRAY['a{VARCHAR}])::integer[]",
        f"(ARRAY['a{VARCHAR}, lower(x)])::text[]",
        f"ARRAY[('a{VARCHAR})::text]",
        "(ARRAY['a'::text])::text[]",
        "(ARRAY[])::text[]",
    ],
)
def test_no_cast_of_a_text_array(expression: str) -> None:
    assert not patterns.CAST_OF_TEXT_ARRAY.search(expression)


@pytest.mark.parametrize(
    ("line", "normalized"),
    [
        ("n integer DEFAULT '-1'::integer NOT NULL", "n integer DEFAULT -1 NOT NULL"),
        ("n double precision DEFAULT '0.5'::double precision", "n double precision DEFAULT 0.5 "),
        ("n integer DEFAULT 1 NOT NULL", None),
        ("t text DEFAULT 'a1'::text", None),
        ("t text DEFAULT ''::text", None),
        ("n integer DEFAULT '-1'", None),
        ("CHECK (n > '-1'::integer)", None),
    ],
)
def test_a_default_that_is_a_quoted_number(line: str, normalized: str | None) -> None:
    found = patterns.QUOTED_NUMBER_DEFAULT.sub(r"DEFAULT \1 ", line)
    assert found == (line if normalized is None else normalized)


# --- indexes ---


@pytest.mark.parametrize(
    ("create_sql", "table"),
    [
        ("CREATE INDEX i ON public.users USING btree (id);", "public.users"),
        ("CREATE UNIQUE INDEX i ON ONLY public.users USING btree (id);", "public.users"),
        ('CREATE INDEX "on" ON public."Users" USING gin (id);', 'public."Users"'),
        ("DROP INDEX IF EXISTS public.i;", None),
        ("ALTER INDEX public.i ATTACH PARTITION public.j;", None),
        ("CREATE INDEX i ON;", None),
    ],
)
def test_the_table_of_an_index(create_sql: str, table: str | None) -> None:
    found = patterns.INDEX_TABLE.search(create_sql)
    assert (found and found["table"]) == table


@pytest.mark.parametrize(
    ("statement", "parts"),
    [
        ('CREATE INDEX "i" ON "users" ("id");', ("CREATE INDEX", '"i"', '"users"')),
        ("CREATE UNIQUE INDEX i ON users (id);", ("CREATE UNIQUE INDEX", "i", "users")),
        ("CREATE INDEX i ON ONLY public.users USING btree (id);", ("CREATE INDEX", "i", "users")),
        ('DROP INDEX "i";', ("DROP INDEX", '"i"', None)),
        ("DROP INDEX IF EXISTS public.i;", ("DROP INDEX", "i", None)),
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
    ("statement", "tables"),
    [
        ('CREATE TABLE "users" ("id" integer);', ["users"]),
        ("ALTER TABLE ONLY public.users ADD COLUMN nick text;", ["users"]),
        ('DROP TABLE IF EXISTS "public"."users";', ["users"]),
        ("CREATE UNIQUE INDEX i ON users (id);", ["users"]),
        ("CREATE TRIGGER t BEFORE UPDATE ON public.users EXECUTE FUNCTION f();", ["users"]),
        ("CREATE POLICY p ON users USING (true);", ["users"]),
        ("insert into users select * from teams;", ["users"]),
        ("UPDATE users SET id = 1;", ["users"]),
        ("DELETE FROM users; TRUNCATE teams;", ["users", "teams"]),
        ("SELECT id FROM users FOR UPDATE;", []),
        ("SELECT id FROM users JOIN teams ON users.team = teams.id;", []),
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
        "-- a comment; of 'its\nSELECT 1;",
        "SELECT 1 - 2 / 3;",
        "SELECT name, price FROM e;",
        ATOMIC,
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
