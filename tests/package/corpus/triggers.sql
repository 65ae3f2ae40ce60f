-- case: a row trigger with a condition on a column that changes its type
-- both
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER stamped BEFORE UPDATE OF n ON users FOR EACH ROW WHEN (OLD.n IS DISTINCT FROM NEW.n) EXECUTE FUNCTION stamp();
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n bigint);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a statement trigger with transition tables changes
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
-- old
CREATE TRIGGER stamped AFTER INSERT ON users REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION stamp();
-- new
CREATE TRIGGER stamped AFTER UPDATE ON users REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION stamp('x');
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a trigger of truncate comes
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
-- new
CREATE TRIGGER kept BEFORE TRUNCATE ON users EXECUTE FUNCTION stamp();

-- case: a constraint trigger becomes deferred
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
-- old
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION stamp();
-- new
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stamp();
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a trigger is disabled and its function changes
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- old
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER stamped BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp();
-- new
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := 1; RETURN NEW; END $$;
CREATE TRIGGER stamped BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE users DISABLE TRIGGER stamped;
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a trigger fires in replicas, too
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
-- old
CREATE TRIGGER stamped BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE users ENABLE REPLICA TRIGGER stamped;
-- new
CREATE TRIGGER stamped BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE users ENABLE ALWAYS TRIGGER stamped;
-- rows
INSERT INTO users VALUES (1, 7);

-- case: an instead-of trigger on a view over a changed column
-- both
CREATE VIEW seen AS SELECT id, n FROM users;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER stamped INSTEAD OF INSERT ON seen FOR EACH ROW EXECUTE FUNCTION stamp();
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n text);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a trigger's column is renamed
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER stamped BEFORE UPDATE OF n ON users FOR EACH ROW WHEN (NEW.n > 0) EXECUTE FUNCTION stamp();
-- new
CREATE TABLE users (id integer PRIMARY KEY, m integer);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER stamped BEFORE UPDATE OF m ON users FOR EACH ROW WHEN (NEW.m > 0) EXECUTE FUNCTION stamp();
-- rows
INSERT INTO users VALUES (1, 7);
-- rename: users.n:m

-- case: a trigger on a partitioned table comes
-- both
CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events DEFAULT;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
-- new
CREATE TRIGGER stamped BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION stamp();
-- rows
INSERT INTO events VALUES (1, '2024-01-01');

-- case: a trigger moves from one table to another
-- both
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE teams (id integer PRIMARY KEY);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
-- old
CREATE TRIGGER stamped BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp();
-- new
CREATE TRIGGER stamped BEFORE UPDATE ON teams FOR EACH ROW EXECUTE FUNCTION stamp();
-- rows
INSERT INTO users VALUES (1); INSERT INTO teams VALUES (1);

-- case: an event trigger comes by hand
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER watched ON ddl_command_end EXECUTE FUNCTION watch();
-- by hand
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER watched ON ddl_command_end EXECUTE FUNCTION watch();
-- alone
