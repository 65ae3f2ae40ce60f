-- case: a domain comes with a column of it
-- old
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE DOMAIN positive AS integer DEFAULT 1 CHECK (VALUE > 0);
CREATE TABLE users (id integer PRIMARY KEY, n positive);
-- by hand
CREATE DOMAIN positive AS integer DEFAULT 1 CHECK (VALUE > 0);
-- loss: users.n
-- rows
INSERT INTO users VALUES (1);

-- case: a column changes to a domain
-- old
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TABLE users (id integer PRIMARY KEY, n positive);
-- by hand
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a domain gets NOT NULL and a default
-- both
CREATE TABLE users (id integer PRIMARY KEY, n short);
-- old
CREATE DOMAIN short AS varchar(5);
-- new
CREATE DOMAIN short AS varchar(5) DEFAULT 'x' NOT NULL;
-- by hand
ALTER DOMAIN short SET DEFAULT 'x';
ALTER DOMAIN short SET NOT NULL;
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a domain in use gets a check
-- both
CREATE TABLE users (id integer PRIMARY KEY, n whole);
-- old
CREATE DOMAIN whole AS integer;
-- new
CREATE DOMAIN whole AS integer CONSTRAINT whole_up CHECK (VALUE > 0);
-- by hand
ALTER DOMAIN whole ADD CONSTRAINT whole_up CHECK (VALUE > 0);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a domain in use loses its check
-- both
CREATE TABLE users (id integer PRIMARY KEY, n whole);
-- old
CREATE DOMAIN whole AS integer CONSTRAINT whole_up CHECK (VALUE > 0);
-- new
CREATE DOMAIN whole AS integer;
-- by hand
ALTER DOMAIN whole DROP CONSTRAINT whole_up;
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a domain in use changes its check
-- both
CREATE TABLE users (id integer PRIMARY KEY, n whole);
-- old
CREATE DOMAIN whole AS integer CONSTRAINT whole_up CHECK (VALUE > 0);
-- new
CREATE DOMAIN whole AS integer CONSTRAINT whole_up CHECK (VALUE > 1);
-- by hand
ALTER DOMAIN whole DROP CONSTRAINT whole_up;
ALTER DOMAIN whole ADD CONSTRAINT whole_up CHECK (VALUE > 1);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a domain with its column goes
-- old
CREATE DOMAIN whole AS integer;
CREATE TABLE users (id integer PRIMARY KEY, n whole);
-- new
CREATE TABLE users (id integer PRIMARY KEY);
-- by hand
ALTER TABLE users DROP COLUMN n;
DROP DOMAIN whole;
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a composite type comes
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE TYPE pair AS (a integer, b text COLLATE "C");
-- by hand
CREATE TYPE pair AS (a integer, b text COLLATE "C");

-- case: a composite type that nothing uses gets an attribute
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- old
CREATE TYPE pair AS (a integer);
-- new
CREATE TYPE pair AS (a integer, b text);
-- by hand
ALTER TYPE pair ADD ATTRIBUTE b text;

-- case: a composite type in use gets an attribute
-- both
CREATE TABLE users (id integer PRIMARY KEY, p pair);
-- old
CREATE TYPE pair AS (a integer);
-- new
CREATE TYPE pair AS (a integer, b text);
-- by hand
ALTER TYPE pair ADD ATTRIBUTE b text;
-- rows
INSERT INTO users VALUES (1, ROW(7));
-- changes: users.p

-- case: a composite type in use loses an attribute
-- both
CREATE TABLE users (id integer PRIMARY KEY, p pair);
-- old
CREATE TYPE pair AS (a integer, b text);
-- new
CREATE TYPE pair AS (a integer);
-- by hand
ALTER TYPE pair DROP ATTRIBUTE b;
-- rows
INSERT INTO users VALUES (1, ROW(7, 'x'));
-- changes for good: users.p

-- case: a range type comes
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE TYPE floats AS RANGE (subtype = float8, subtype_diff = float8mi);
-- by hand
CREATE TYPE floats AS RANGE (subtype = float8, subtype_diff = float8mi);

-- case: a range type goes
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- old
CREATE TYPE floats AS RANGE (subtype = float8, subtype_diff = float8mi);
-- new
-- by hand
DROP TYPE floats;

-- case: a column changes from a range to a multirange
-- known: no down migration from a multirange
-- old
CREATE TABLE users (id integer PRIMARY KEY, r int4range);
-- new
CREATE TABLE users (id integer PRIMARY KEY, r int4multirange);
-- rows
INSERT INTO users VALUES (1, '[1,5)');
-- changes: users.r

-- case: an enum under a domain gets a value
-- both
CREATE DOMAIN feeling AS mood;
CREATE TABLE days (id integer PRIMARY KEY, f feeling);
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
-- new
CREATE TYPE mood AS ENUM ('sad', 'ok', 'fine');
-- rows
INSERT INTO days VALUES (1, 'ok');

-- case: an enum under a domain loses a value
-- both
CREATE DOMAIN feeling AS mood;
CREATE TABLE days (id integer PRIMARY KEY, f feeling);
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
-- new
CREATE TYPE mood AS ENUM ('ok');
-- rows
INSERT INTO days VALUES (1, 'ok');

-- case: an enum in a composite type loses a value
-- both
CREATE TYPE pair AS (a integer, m mood);
CREATE TABLE days (id integer PRIMARY KEY, p pair);
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
-- new
CREATE TYPE mood AS ENUM ('ok');
-- rows
INSERT INTO days VALUES (1, '(1,ok)');

-- case: an extension's type comes and its column changes to it
-- old
CREATE TABLE users (id integer PRIMARY KEY, mail text);
-- new
CREATE EXTENSION citext;
CREATE TABLE users (id integer PRIMARY KEY, mail citext);
-- rows
INSERT INTO users VALUES (1, 'a@b');

-- case: an extension goes with the type of a column
-- old
CREATE EXTENSION hstore;
CREATE TABLE users (id integer PRIMARY KEY, data hstore);
-- new
CREATE TABLE users (id integer PRIMARY KEY, data text);
-- rows
INSERT INTO users VALUES (1, '"a"=>"1"');
-- changes: users.data

-- case: a declared domain comes with a column of it
-- old
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE DOMAIN positive AS integer DEFAULT 1 CONSTRAINT positive_up CHECK (VALUE > 0);
COMMENT ON CONSTRAINT positive_up ON DOMAIN positive IS 'not zero';
CREATE TABLE users (id integer PRIMARY KEY, n positive);
-- loss: users.n
-- rows
INSERT INTO users VALUES (1);

-- case: a declared domain goes with its column
-- old
CREATE DOMAIN whole AS integer;
CREATE TABLE users (id integer PRIMARY KEY, n whole);
-- new
CREATE TABLE users (id integer PRIMARY KEY);
-- loss: users.n
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a declared domain is NOT NULL and has another default and check
-- both
CREATE TABLE users (id integer PRIMARY KEY, n whole);
-- old
CREATE DOMAIN whole AS integer DEFAULT 2 CONSTRAINT whole_up CHECK (VALUE > 0) CONSTRAINT whole_few CHECK (VALUE < 99);
-- new
CREATE DOMAIN whole AS integer DEFAULT 3 NOT NULL CONSTRAINT whole_up CHECK (VALUE IN (3, 7));
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a declared domain loses NOT NULL and its default
-- both
CREATE TABLE users (id integer PRIMARY KEY, n whole);
-- old
CREATE DOMAIN whole AS integer DEFAULT 2 NOT NULL;
-- new
CREATE DOMAIN whole AS integer;
-- rows
INSERT INTO users VALUES (1, 7);

-- case: the check of a domain is renamed
-- both
CREATE TABLE users (id integer PRIMARY KEY, n whole);
-- old
CREATE DOMAIN whole AS integer CONSTRAINT whole_up CHECK (VALUE > 0);
-- new
CREATE DOMAIN whole AS integer CONSTRAINT whole_over CHECK (VALUE > 0);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a domain gets a check that is not valid
-- both
CREATE TABLE users (id integer PRIMARY KEY, n whole);
-- old
CREATE DOMAIN whole AS integer;
-- new
CREATE DOMAIN whole AS integer;
ALTER DOMAIN whole ADD CONSTRAINT whole_up CHECK (VALUE > 0) NOT VALID;
-- rows
INSERT INTO users VALUES (1, -7);

-- case: a check of a domain is validated
-- both
CREATE TABLE users (id integer PRIMARY KEY, n whole);
-- old
CREATE DOMAIN whole AS integer;
ALTER DOMAIN whole ADD CONSTRAINT whole_up CHECK (VALUE > 0) NOT VALID;
-- new
CREATE DOMAIN whole AS integer CONSTRAINT whole_up CHECK (VALUE > 0);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a domain in an array gets a check
-- both
CREATE TABLE users (id integer PRIMARY KEY, n whole[] DEFAULT '{2}');
-- old
CREATE DOMAIN whole AS integer;
-- new
CREATE DOMAIN whole AS integer CONSTRAINT whole_up CHECK (VALUE > 0);
-- rows
INSERT INTO users VALUES (1, '{7,8}'), (2, NULL);

-- case: a domain gets another base type under a view, a check and an index
-- both
CREATE TABLE users (id integer PRIMARY KEY, n whole DEFAULT 2 CONSTRAINT n_small CHECK (n < 99), more whole[]);
CREATE INDEX users_n ON users (n) WHERE n > 3;
CREATE VIEW numbers AS SELECT n FROM users;
-- old
CREATE DOMAIN whole AS integer CONSTRAINT whole_up CHECK (VALUE > 0);
COMMENT ON DOMAIN whole IS 'no fractions';
-- new
CREATE DOMAIN whole AS bigint CONSTRAINT whole_up CHECK (VALUE > 0);
COMMENT ON DOMAIN whole IS 'no fractions';
-- rows
INSERT INTO users VALUES (1, 7, '{8}');

-- case: a domain gets another collation
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick name_of);
-- old
CREATE DOMAIN name_of AS text;
-- new
CREATE DOMAIN name_of AS text COLLATE "C" CONSTRAINT name_of_some CHECK (VALUE <> '');
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a domain under another domain gets another base type
-- both
CREATE DOMAIN age AS whole CONSTRAINT age_old CHECK (VALUE < 200);
CREATE TABLE users (id integer PRIMARY KEY, n whole, a age);
-- old
CREATE DOMAIN whole AS integer;
-- new
CREATE DOMAIN whole AS bigint;
-- rows
INSERT INTO users VALUES (1, 7, 36);

-- case: an attribute of a composite type in use is renamed
-- both
CREATE TABLE users (id integer PRIMARY KEY, p pair);
-- old
CREATE TYPE pair AS (a integer, b text);
-- new
CREATE TYPE pair AS (a integer, c text);
-- by hand
ALTER TYPE pair RENAME ATTRIBUTE b TO c;
-- rows
INSERT INTO users VALUES (1, ROW(7, 'x'));
-- changes: users.p

-- case: an attribute of a composite type that nothing uses changes its type
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- old
CREATE TYPE pair AS (a integer, b text);
-- new
CREATE TYPE pair AS (a bigint, b text COLLATE "C");
-- by hand
ALTER TYPE pair ALTER ATTRIBUTE a TYPE bigint, ALTER ATTRIBUTE b TYPE text COLLATE "C";

-- case: an attribute of a composite type in use changes its type
-- both
CREATE TABLE users (id integer PRIMARY KEY, p pair, more pair[]);
-- old
CREATE TYPE pair AS (a integer, b text);
-- new
CREATE TYPE pair AS (a bigint, b text);
-- by hand
ALTER TYPE pair RENAME TO pair_old;
CREATE TYPE pair AS (a bigint, b text);
ALTER TABLE users ALTER p TYPE pair USING p::text::pair, ALTER more TYPE pair[] USING more::text::pair[];
DROP TYPE pair_old;
-- rows
INSERT INTO users VALUES (1, ROW(7, 'x'), ARRAY[ROW(8, 'y')::pair]);

-- case: a composite type in use loses its first attribute
-- both
CREATE TABLE users (id integer PRIMARY KEY, p pair);
-- old
CREATE TYPE pair AS (a integer, b text, c date);
-- new
CREATE TYPE pair AS (b text, c date);
-- by hand
ALTER TYPE pair DROP ATTRIBUTE a;
-- rows
INSERT INTO users VALUES (1, ROW(7, 'x', '2026-01-02')), (2, NULL);
-- changes for good: users.p

-- case: a composite type with a table of it gets an attribute
-- both
CREATE TABLE pairs OF pair;
-- old
CREATE TYPE pair AS (a integer);
-- new
CREATE TYPE pair AS (a integer, b text);
-- by hand
ALTER TYPE pair ADD ATTRIBUTE b text CASCADE;
