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
-- known: a domain in use that was changed by hand has no down migration
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
-- known: a domain in use that was changed by hand has no down migration
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
-- known: a domain in use that was changed by hand has no down migration
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
-- known: a domain in use that was changed by hand has no down migration
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
-- known: a composite type that was changed by hand has no down migration
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- old
CREATE TYPE pair AS (a integer);
-- new
CREATE TYPE pair AS (a integer, b text);
-- by hand
ALTER TYPE pair ADD ATTRIBUTE b text;

-- case: a composite type in use gets an attribute
-- known: a composite type that was changed by hand has no down migration
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
-- known: a composite type that was changed by hand has no down migration
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
-- known: an enum under a domain is not recreated
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
-- known: an enum under a domain is not recreated
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
-- known: an enum in a composite type is not recreated
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
-- known: a roll back asks for a loss where none is: a type that is not there yet cannot be cast to
-- old
CREATE EXTENSION hstore;
CREATE TABLE users (id integer PRIMARY KEY, data hstore);
-- new
CREATE TABLE users (id integer PRIMARY KEY, data text);
-- rows
INSERT INTO users VALUES (1, '"a"=>"1"');
-- changes: users.data
