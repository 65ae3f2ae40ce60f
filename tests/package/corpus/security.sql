-- case: row security and a policy come
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON users FOR SELECT USING (nick = CURRENT_USER);
-- by hand
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON users FOR SELECT USING (nick = CURRENT_USER);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a policy changes
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
-- old
CREATE POLICY mine ON users USING (id > 0);
-- new
CREATE POLICY mine ON users AS RESTRICTIVE USING (id > 1) WITH CHECK (id > 2);
-- by hand
DROP POLICY mine ON users;
CREATE POLICY mine ON users AS RESTRICTIVE USING (id > 1) WITH CHECK (id > 2);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a policy on a column that changes its type
-- both
CREATE POLICY mine ON users USING (n > 0);
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n bigint);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: row security is forced
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
-- by hand
ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- rows
INSERT INTO users VALUES (1);

-- case: row security ends
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- old
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
-- new
-- by hand
ALTER TABLE users DISABLE ROW LEVEL SECURITY;
-- rows
INSERT INTO users VALUES (1);

-- case: a rule comes
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE RULE kept AS ON DELETE TO users DO INSTEAD NOTHING;
-- by hand
CREATE RULE kept AS ON DELETE TO users DO INSTEAD NOTHING;
-- rows
INSERT INTO users VALUES (1);

-- case: a rule on a column that changes its type
-- both
CREATE TABLE log (n bigint);
CREATE RULE logged AS ON UPDATE TO users DO ALSO INSERT INTO log VALUES (NEW.n);
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n bigint);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a rule of a view that changes
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer);
CREATE RULE kept AS ON DELETE TO seen DO INSTEAD NOTHING;
-- old
CREATE VIEW seen AS SELECT id, n FROM users;
-- new
CREATE VIEW seen AS SELECT id FROM users;
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a rule is disabled
-- both
CREATE TABLE users (id integer PRIMARY KEY);
CREATE RULE kept AS ON DELETE TO users DO INSTEAD NOTHING;
-- new
ALTER TABLE users DISABLE RULE kept;
-- by hand
ALTER TABLE users DISABLE RULE kept;
-- rows
INSERT INTO users VALUES (1);

-- case: privileges on a table and a column come
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
GRANT SELECT, INSERT ON users TO PUBLIC;
GRANT UPDATE (nick) ON users TO PUBLIC;
-- by hand
GRANT SELECT, INSERT ON users TO PUBLIC;
GRANT UPDATE (nick) ON users TO PUBLIC;
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: privileges end
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- old
GRANT ALL ON users TO PUBLIC;
-- new
GRANT SELECT ON users TO PUBLIC;
-- by hand
REVOKE ALL ON users FROM PUBLIC;
GRANT SELECT ON users TO PUBLIC;
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: privileges on a view outlast a change of its column
-- both
CREATE VIEW seen AS SELECT id, n FROM users;
GRANT SELECT ON seen TO PUBLIC;
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n bigint);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: privileges on a column that is recreated
-- both
GRANT SELECT (n) ON users TO PUBLIC;
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer GENERATED ALWAYS AS (id * 2) STORED);
-- rows
INSERT INTO users VALUES (1, 7);
-- changes: users.n

-- case: privileges on functions, sequences and schemas come
-- both
CREATE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 2 * a';
CREATE SEQUENCE public.tickets;
-- new
REVOKE EXECUTE ON FUNCTION twice(integer) FROM PUBLIC;
GRANT USAGE ON SEQUENCE tickets TO PUBLIC;
-- by hand
REVOKE EXECUTE ON FUNCTION twice(integer) FROM PUBLIC;
GRANT USAGE ON SEQUENCE tickets TO PUBLIC;

-- case: default privileges come
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;
-- by hand
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;
-- alone

-- case: a declared policy comes with its function, and row security
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE FUNCTION seen(a integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT a > 0';
CREATE POLICY mine ON users FOR SELECT USING (seen(id));
COMMENT ON POLICY mine ON users IS 'whose';
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a declared policy changes
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
-- old
CREATE POLICY mine ON users USING (id > 0);
-- new
CREATE POLICY mine ON users AS RESTRICTIVE USING (id > 1) WITH CHECK (nick IN ('Ada', 'Bob'));
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: declared policies and row security go
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- old
CREATE POLICY mine ON users USING (id > 0);
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
-- new
-- rows
INSERT INTO users VALUES (1, 'Ada');
