"""Every migration can be rolled back to the exact previous schema, or says why it cannot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelmigrate.migrations.down_files import IRREVERSIBLE, State, generate_down
from modelmigrate.postgres.scratch import scratch_database
from modelmigrate.schema.diff import diff
from modelmigrate.schema.dump import read_schema
from tests.package.harness import Project, execute, project_of

BASE = Path(__file__).with_name("schema_base.sql").read_text(encoding="utf-8")

# What each migration does -> its SQL. All of these come back to the very same dump.
EXACT = {
    # columns
    "add a column": "ALTER TABLE users ADD bio text",
    "add a column with a default": "ALTER TABLE users ADD active boolean NOT NULL DEFAULT true",
    "add several columns": "ALTER TABLE users ADD a text, ADD b integer, ADD c jsonb",
    "add a generated column": "ALTER TABLE users ADD dbl integer GENERATED ALWAYS AS (age * 2) STORED",
    "add an identity column": "ALTER TABLE users ADD no integer GENERATED ALWAYS AS IDENTITY",
    "add a serial column": "ALTER TABLE users ADD no serial",
    "drop a column": "ALTER TABLE users DROP score",
    "drop an indexed column": "ALTER TABLE users DROP nick",
    "drop a column with a comment": "ALTER TABLE teams DROP motto",
    "drop an array": "ALTER TABLE users DROP tags",
    "set a default": "ALTER TABLE users ALTER nick SET DEFAULT 'none'",
    "change a default": "ALTER TABLE users ALTER age SET DEFAULT 21",
    "drop a default": "ALTER TABLE users ALTER age DROP DEFAULT",
    "set not null": "ALTER TABLE users ALTER nick SET NOT NULL",
    "drop not null": "ALTER TABLE users ALTER email DROP NOT NULL",
    "comment on a column": "COMMENT ON COLUMN users.email IS 'where to write'",
    "change a comment": "COMMENT ON COLUMN users.nick IS 'other; \"quoted\" it''s'",
    "remove a comment": "COMMENT ON COLUMN users.nick IS NULL",
    "comment on a table": "COMMENT ON TABLE users IS 'people'",
    # types
    "widen a varchar": "ALTER TABLE teams ALTER name TYPE varchar(200)",
    "varchar to text": "ALTER TABLE teams ALTER name TYPE text",
    "integer to bigint": "ALTER TABLE teams ALTER id TYPE bigint",
    "bigint to text": "ALTER TABLE users ALTER tall TYPE text USING tall::text",
    "text to integer with a cast": "ALTER TABLE teams ALTER motto TYPE integer USING motto::integer",
    "more digits": "ALTER TABLE users ALTER score TYPE numeric(14, 4)",
    "a type under views": "DROP VIEW adult_count; DROP VIEW adults; ALTER TABLE users ALTER age TYPE bigint;"
    " CREATE VIEW adults AS SELECT id, email, age FROM users WHERE age >= 18;"
    " CREATE VIEW adult_count AS SELECT count(*) AS n FROM adults",
    "timestamp to date": "ALTER TABLE users ALTER seen TYPE date",
    # enums
    "add an enum": "CREATE TYPE colour AS ENUM ('red', 'green')",
    "an enum and a column of it": "CREATE TYPE colour AS ENUM ('red'); ALTER TABLE users ADD paint colour",
    "add a value": "ALTER TYPE mood ADD VALUE 'great'",
    "add a value in between": "ALTER TYPE mood ADD VALUE 'fine' BEFORE 'happy'",
    "rename a value": "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'",
    "rename an enum": "ALTER TYPE mood RENAME TO feeling",
    # constraints
    "add a check": "ALTER TABLE users ADD CONSTRAINT short CHECK (length(nick) < 20)",
    "add a check, not valid": "ALTER TABLE users ADD CONSTRAINT short CHECK (length(nick) < 20) NOT VALID",
    "drop a check": "ALTER TABLE users DROP CONSTRAINT grown_up",
    "change a check": "ALTER TABLE users DROP CONSTRAINT grown_up, ADD CONSTRAINT grown_up CHECK (age >= 18)",
    "add a unique constraint": "ALTER TABLE teams ADD CONSTRAINT one_name UNIQUE (name)",
    "a deferrable unique constraint": "ALTER TABLE teams ADD CONSTRAINT one_name UNIQUE (name) DEFERRABLE",
    "drop a unique constraint": "ALTER TABLE users DROP CONSTRAINT users_email_key",
    "add a foreign key": "ALTER TABLE users ADD boss integer CONSTRAINT boss_fk REFERENCES users ON DELETE SET NULL",
    "drop a foreign key": "ALTER TABLE users DROP CONSTRAINT users_team_fk",
    "make a foreign key deferrable": "ALTER TABLE users ALTER CONSTRAINT users_team_fk DEFERRABLE INITIALLY DEFERRED",
    "change what a deletion does": "ALTER TABLE users DROP CONSTRAINT users_team_fk,"
    " ADD CONSTRAINT users_team_fk FOREIGN KEY (team_id) REFERENCES teams ON DELETE CASCADE",
    "an exclusion constraint": "ALTER TABLE teams ADD during tstzrange, ADD CONSTRAINT apart EXCLUDE USING gist (during WITH &&)",
    "drop a primary key": "ALTER TABLE users DROP CONSTRAINT users_pkey",
    # indexes
    "add an index": "CREATE INDEX users_seen ON users (seen DESC NULLS LAST)",
    "a partial, covering index": "CREATE INDEX users_age ON users (age) INCLUDE (email) WHERE age > 9",
    "a unique index, nulls alike": "CREATE UNIQUE INDEX one_nick ON users (nick) NULLS NOT DISTINCT",
    "a full-text index": "CREATE INDEX users_text ON users USING gin (to_tsvector('english', nick))",
    "drop an index": "DROP INDEX users_nick",
    "drop an index of an expression": "DROP INDEX users_email_lower",
    "change an index": "DROP INDEX users_nick; CREATE INDEX users_nick ON users (nick, age)",
    "an index of partitions": "CREATE INDEX events_what ON events (what)",
    # renames
    "rename a column": "ALTER TABLE users RENAME nick TO nickname",
    "rename two columns": "ALTER TABLE users RENAME nick TO handle; ALTER TABLE users RENAME age TO years",
    "rename a table": "ALTER TABLE teams RENAME TO groups",
    "rename a table and a column": "ALTER TABLE teams RENAME TO groups; ALTER TABLE groups RENAME motto TO claim",
    "swap two columns": "ALTER TABLE teams RENAME motto TO x; ALTER TABLE teams RENAME name TO motto; ALTER TABLE teams RENAME x TO name",
    "rename an index": "ALTER INDEX users_nick RENAME TO ix_nick",
    "rename a constraint": "ALTER TABLE users RENAME CONSTRAINT grown_up TO adult",
    "rename and add": "ALTER TABLE users RENAME nick TO nickname; ALTER TABLE users ADD nick integer",
    "rename a view": "ALTER VIEW adult_count RENAME TO how_many",
    # tables
    "add a table": "CREATE TABLE notes (id serial PRIMARY KEY, body text, by integer REFERENCES users)",
    "add two tables that need each other": "CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);"
    " ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b",
    "drop a table": "DROP MATERIALIZED VIEW team_sizes; DROP TABLE users CASCADE",
    "an unlogged table": "CREATE UNLOGGED TABLE cache (k text PRIMARY KEY, v jsonb)",
    "make a table unlogged": "ALTER TABLE users SET UNLOGGED",
    "storage parameters": "ALTER TABLE users SET (fillfactor = 70, autovacuum_enabled = false)",
    "statistics of a column": "ALTER TABLE users ALTER email SET STATISTICS 500",
    "replica identity": "ALTER TABLE users REPLICA IDENTITY FULL",
    # partitions
    "add a partition": "CREATE TABLE events_2027 PARTITION OF events FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
    "detach a partition": "ALTER TABLE events DETACH PARTITION events_2026",
    "attach a table": "CREATE TABLE events_2028 (id integer NOT NULL, at date NOT NULL, what text);"
    " ALTER TABLE events ATTACH PARTITION events_2028 FOR VALUES FROM ('2028-01-01') TO ('2029-01-01')",
    "drop a partition": "DROP TABLE events_2026",
    "add a column to a partitioned table": "ALTER TABLE events ADD who text",
    "inheritance comes": "ALTER TABLE plain INHERIT roots",
    "inheritance of another table": "CREATE TABLE leaves (height integer) INHERITS (roots)",
    "a partitioned table": "CREATE TABLE logs (id int, n int) PARTITION BY HASH (id);"
    " CREATE TABLE logs_0 PARTITION OF logs FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
    # functions, views and the rest
    "add a function": "CREATE FUNCTION thrice(a int) RETURNS int LANGUAGE sql AS 'SELECT 3 * a'",
    "change a body": "CREATE OR REPLACE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a + a'",
    "change what a function returns": "DROP FUNCTION twice; CREATE FUNCTION twice(a integer) RETURNS bigint LANGUAGE sql AS 'SELECT 2::bigint * a'",
    "drop a function": "DROP FUNCTION twice",
    "drop a function with its trigger": "DROP TRIGGER stamp ON users; DROP FUNCTION stamp",
    "a function with an atomic body": "CREATE FUNCTION four() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 4; END",
    "change a procedure": "CREATE OR REPLACE PROCEDURE tidy() LANGUAGE sql AS $$ DELETE FROM teams; $$",
    "add a trigger": "CREATE TRIGGER again AFTER INSERT ON teams FOR EACH ROW WHEN (NEW.id > 5) EXECUTE FUNCTION stamp()",
    "change a trigger": "DROP TRIGGER stamp ON users; CREATE TRIGGER stamp BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION stamp()",
    "disable a trigger": "ALTER TABLE users DISABLE TRIGGER stamp",
    "add a view": "CREATE VIEW names AS SELECT name FROM teams",
    "change a view": "CREATE OR REPLACE VIEW adults AS SELECT id, email, age, nick FROM users WHERE age >= 21",
    "drop views": "DROP VIEW adult_count; DROP VIEW adults",
    "change a materialized view": "DROP MATERIALIZED VIEW team_sizes;"
    " CREATE MATERIALIZED VIEW team_sizes AS SELECT team_id, max(age) AS n FROM users GROUP BY team_id",
    "a policy": "ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON users USING (email = current_user)",
    "forced policies": "ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    "a rule": "CREATE RULE keep AS ON DELETE TO teams DO INSTEAD NOTHING",
    "an aggregate": "CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer)",
    "a domain": "CREATE DOMAIN short AS varchar(5)",
    "a column of a new domain": "CREATE DOMAIN short AS varchar(5); ALTER TABLE teams ADD code short",
    "a domain in use loses its check": "ALTER DOMAIN positive DROP CONSTRAINT positive_check",
    "a composite type in use grows": "ALTER TYPE place ADD ATTRIBUTE height integer",
    "a sequence": "CREATE SEQUENCE invoice START 100",
    "change a sequence": "ALTER SEQUENCE ticket INCREMENT 5 CACHE 10",
    "extended statistics": "CREATE STATISTICS together ON email, nick FROM users",
    "an extension": "CREATE EXTENSION pg_trgm",
    "an extension and an index that needs it": "CREATE EXTENSION pg_trgm; CREATE INDEX users_like ON users USING gin (nick gin_trgm_ops)",
    "a schema with a table": "CREATE SCHEMA audit; CREATE TABLE audit.log (id int PRIMARY KEY, line text)",
    "a composite type": "CREATE TYPE pair AS (a int, b text)",
    "a column and a view of it": "ALTER TABLE teams ADD colour text; CREATE VIEW colours AS SELECT colour FROM teams",
    "rows alone": "UPDATE users SET age = 18 WHERE age IS NULL",
}  # fmt: skip

# These are irreversible: what the reason has to name.
REFUSED = {
    "a table of a type": (
        "CREATE TYPE whole AS (a integer, during tstzrange, spot place, code positive);"
        " ALTER TABLE plain OF whole",
        "TABLE public.plain",
    ),
}


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    with project_of("rollback") as made:
        yield made


@pytest.fixture(scope="module")
def base(project: Project) -> Iterator[State]:
    with scratch_database() as url:
        execute(url, BASE)
        yield State(url, read_schema(url))


@pytest.mark.parametrize("what", EXACT)
def test_a_down_migration_restores_the_exact_previous_schema(base: State, what: str) -> None:
    with scratch_database(base.url) as after:
        execute(after, EXACT[what])
        text = generate_down(base, State(after, read_schema(after)))
        assert not text.startswith(IRREVERSIBLE), text
        execute(after, f"BEGIN; {text}; COMMIT")
        assert diff(base.schema, read_schema(after)) == [], text


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_irreversible_says_so_in_its_down_file_and_why(base: State, what: str) -> None:
    sql, reason = REFUSED[what]
    with scratch_database(base.url) as after:
        execute(after, sql)
        text = generate_down(base, State(after, read_schema(after)))
        assert text.startswith(IRREVERSIBLE)
        assert reason in text


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    assert len(EXACT) >= 60
