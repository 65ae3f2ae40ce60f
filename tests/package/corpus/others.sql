-- case: extended statistics come
-- both
CREATE TABLE users (id integer PRIMARY KEY, a integer, b integer);
-- new
CREATE STATISTICS both_of ON a, b FROM users;
-- by hand
CREATE STATISTICS both_of ON a, b FROM users;
-- rows
INSERT INTO users VALUES (1, 2, 3);

-- case: extended statistics change
-- both
CREATE TABLE users (id integer PRIMARY KEY, a integer, b integer);
-- old
CREATE STATISTICS both_of ON a, b FROM users;
-- new
CREATE STATISTICS both_of (ndistinct, mcv) ON a, b, (a + b) FROM users;
-- by hand
DROP STATISTICS both_of;
CREATE STATISTICS both_of (ndistinct, mcv) ON a, b, (a + b) FROM users;
-- rows
INSERT INTO users VALUES (1, 2, 3);

-- case: extended statistics on a column that changes its type
-- both
CREATE STATISTICS both_of ON a, b FROM users;
-- old
CREATE TABLE users (id integer PRIMARY KEY, a integer, b integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, a bigint, b integer);
-- rows
INSERT INTO users VALUES (1, 2, 3);

-- case: a target of extended statistics comes
-- both
CREATE TABLE users (id integer PRIMARY KEY, a integer, b integer);
CREATE STATISTICS both_of ON a, b FROM users;
-- new
ALTER STATISTICS both_of SET STATISTICS 500;
-- by hand
ALTER STATISTICS both_of SET STATISTICS 500;
-- rows
INSERT INTO users VALUES (1, 2, 3);

-- case: a text search configuration and a dictionary come
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE TEXT SEARCH DICTIONARY plain_words (TEMPLATE = simple, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION plain_search (PARSER = default);
ALTER TEXT SEARCH CONFIGURATION plain_search ADD MAPPING FOR asciiword WITH plain_words;
-- by hand
CREATE TEXT SEARCH DICTIONARY plain_words (TEMPLATE = simple, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION plain_search (PARSER = default);
ALTER TEXT SEARCH CONFIGURATION plain_search ADD MAPPING FOR asciiword WITH plain_words;

-- case: an index uses a text search configuration
-- both
CREATE TABLE users (id integer PRIMARY KEY, bio text);
CREATE TEXT SEARCH CONFIGURATION our_search (COPY = pg_catalog.english);
-- new
CREATE INDEX ix_bio ON users USING gin (to_tsvector('our_search', bio));
-- rows
INSERT INTO users VALUES (1, 'words');
-- alone

-- case: a collation comes with its column
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE COLLATION plain_order (provider = builtin, locale = 'C.UTF-8');
CREATE TABLE users (id integer PRIMARY KEY, nick text COLLATE plain_order);
-- by hand
CREATE COLLATION plain_order (provider = builtin, locale = 'C.UTF-8');
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: an operator class comes
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE OPERATOR CLASS backwards FOR TYPE integer USING btree AS OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 btint4cmp(integer, integer);
-- by hand
CREATE OPERATOR CLASS backwards FOR TYPE integer USING btree AS OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 btint4cmp(integer, integer);
-- alone

-- case: a publication comes
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE PUBLICATION published FOR TABLE users;
-- by hand
CREATE PUBLICATION published FOR TABLE users;
-- rows
INSERT INTO users VALUES (1);
-- alone

-- case: a foreign server and a foreign table come
-- both
CREATE EXTENSION file_fdw;
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE read_in (a text) SERVER files OPTIONS (filename 'none.csv');
-- by hand
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE read_in (a text) SERVER files OPTIONS (filename 'none.csv');
-- alone

-- case: an extension comes and goes beside another
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- old
CREATE EXTENSION unaccent;
-- new
CREATE EXTENSION fuzzystrmatch;
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: an extension moves to a schema
-- both
CREATE SCHEMA tools;
CREATE TABLE users (id integer PRIMARY KEY);
-- old
CREATE EXTENSION intarray;
-- new
CREATE EXTENSION intarray SCHEMA tools;
-- alone

-- case: a comment on a function and a view comes
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- old
CREATE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 2 * a';
CREATE VIEW seen AS SELECT id FROM users;
-- new
CREATE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 2 * a';
COMMENT ON FUNCTION twice(integer) IS 'it''s doubled';
CREATE VIEW seen AS SELECT id FROM users;
COMMENT ON COLUMN seen.id IS 'who';
COMMENT ON VIEW seen IS 'those who are seen';
-- rows
INSERT INTO users VALUES (1);

-- case: comments on a domain, an enum and a sequence come
-- both
CREATE DOMAIN short AS varchar(5);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE SEQUENCE public.tickets;
-- new
COMMENT ON DOMAIN short IS 'few letters';
COMMENT ON TYPE mood IS 'how it is';
COMMENT ON SEQUENCE tickets IS 'in a row';
-- by hand
COMMENT ON DOMAIN short IS 'few letters';
COMMENT ON TYPE mood IS 'how it is';
COMMENT ON SEQUENCE tickets IS 'in a row';

-- case: an enum with a comment loses a value
-- both
CREATE TABLE days (id integer PRIMARY KEY, m mood);
COMMENT ON TYPE mood IS 'how it is';
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
-- new
CREATE TYPE mood AS ENUM ('ok');
-- rows
INSERT INTO days VALUES (1, 'ok');

-- case: a table changes its owner
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
ALTER TABLE users OWNER TO pg_database_owner;
-- by hand
ALTER TABLE users OWNER TO pg_database_owner;
-- rows
INSERT INTO users VALUES (1);
