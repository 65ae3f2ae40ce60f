-- A schema with something of every kind in it.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE SEQUENCE ticket;
CREATE TABLE teams (id integer PRIMARY KEY, name varchar(50) NOT NULL, motto text);
CREATE TABLE users (
    id integer PRIMARY KEY, email varchar(100) NOT NULL, nick text, age integer DEFAULT 18,
    mood mood NOT NULL DEFAULT 'ok', seen timestamptz, score numeric(10, 2), tags text[], tall bigint,
    team_id integer CONSTRAINT users_team_fk REFERENCES teams,
    CONSTRAINT users_email_key UNIQUE (email), CONSTRAINT grown_up CHECK (age >= 0)
);
CREATE TYPE place AS (x integer, y integer);
CREATE TABLE roots (a integer NOT NULL, during tstzrange);
CREATE TABLE plain (a integer NOT NULL, during tstzrange);
ALTER TABLE roots ADD spot place, ADD code positive;
ALTER TABLE plain ADD spot place, ADD code positive;
ALTER TABLE users ADD CONSTRAINT late CHECK (length(email) > 2) NOT VALID;
CREATE INDEX users_nick ON users (nick);
CREATE INDEX users_email_lower ON users (lower(email)) WHERE nick IS NOT NULL;
COMMENT ON COLUMN users.nick IS 'what friends say';
CREATE TABLE events (id integer NOT NULL, at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX events_at ON events (at);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.seen := now();
    RETURN NEW;
END $$;
CREATE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2 * a';
CREATE PROCEDURE tidy() LANGUAGE sql AS $$ DELETE FROM users WHERE seen IS NULL; $$;
CREATE TRIGGER stamp BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE VIEW adults AS SELECT id, email, age FROM users WHERE age >= 18;
CREATE VIEW adult_count AS SELECT count(*) AS n FROM adults;
CREATE MATERIALIZED VIEW team_sizes AS SELECT team_id, count(*) AS n FROM users GROUP BY team_id;
CREATE UNIQUE INDEX team_sizes_team ON team_sizes (team_id);
