-- case: a function with out parameters changes them
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- old
CREATE FUNCTION pair(OUT a integer, OUT b text) LANGUAGE sql AS 'SELECT 1, ''x''';
-- new
CREATE FUNCTION pair(OUT a integer, OUT b text, OUT c date) LANGUAGE sql AS 'SELECT 1, ''x'', DATE ''2024-01-01''';

-- case: a function loses the default of an argument
-- old
CREATE FUNCTION twice(a integer, b integer DEFAULT 2) RETURNS integer LANGUAGE sql AS 'SELECT a * b';
-- new
CREATE FUNCTION twice(a integer, b integer) RETURNS integer LANGUAGE sql AS 'SELECT a * b';

-- case: a function becomes variadic
-- old
CREATE FUNCTION total(a integer[]) RETURNS bigint LANGUAGE sql AS 'SELECT sum(x) FROM unnest(a) x';
-- new
CREATE FUNCTION total(VARIADIC a integer[]) RETURNS bigint LANGUAGE sql AS 'SELECT sum(x) FROM unnest(a) x';

-- case: a function gets costs, rows and parallel safety
-- old
CREATE FUNCTION many(a integer) RETURNS SETOF integer LANGUAGE sql AS 'SELECT generate_series(1, a)';
-- new
CREATE FUNCTION many(a integer) RETURNS SETOF integer LANGUAGE sql STABLE PARALLEL SAFE LEAKPROOF COST 5 ROWS 20 AS 'SELECT generate_series(1, a)';

-- case: an atomic function over a column that changes its type
-- alone
-- both
CREATE FUNCTION most() RETURNS bigint BEGIN ATOMIC SELECT max(n) FROM users; END;
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n bigint);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a function of a check changes its body
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT fair CHECK (fair(n)));
-- old
CREATE FUNCTION fair(a integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT a > 0';
-- new
CREATE FUNCTION fair(a integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT a > 1';
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a function of a check gets an argument more
-- old
CREATE FUNCTION fair(a integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT a > 0';
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT fairness CHECK (fair(n)));
-- new
CREATE FUNCTION fair(a integer, b integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT a > b';
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT fairness CHECK (fair(n, 1)));
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a function of a default gets another name
-- old
CREATE FUNCTION code() RETURNS text LANGUAGE sql AS 'SELECT ''x''';
CREATE TABLE users (id integer PRIMARY KEY, key text DEFAULT code());
-- new
CREATE FUNCTION fresh() RETURNS text LANGUAGE sql AS 'SELECT ''x''';
CREATE TABLE users (id integer PRIMARY KEY, key text DEFAULT fresh());
-- rows
INSERT INTO users VALUES (1);

-- case: a function of an index and of a generated column gets another name
-- old
CREATE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2 * a';
CREATE TABLE users (id integer PRIMARY KEY, n integer, d integer GENERATED ALWAYS AS (twice(n)) STORED);
CREATE INDEX ix_twice ON users (twice(n));
-- new
CREATE FUNCTION double(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2 * a';
CREATE TABLE users (id integer PRIMARY KEY, n integer, d integer GENERATED ALWAYS AS (double(n)) STORED);
CREATE INDEX ix_twice ON users (double(n));
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a function of a default changes its result
-- old
CREATE FUNCTION code() RETURNS integer LANGUAGE sql AS 'SELECT 7';
CREATE TABLE users (id integer PRIMARY KEY, n bigint DEFAULT code());
-- new
CREATE FUNCTION code() RETURNS bigint LANGUAGE sql AS 'SELECT 7';
CREATE TABLE users (id integer PRIMARY KEY, n bigint DEFAULT code());
-- rows
INSERT INTO users VALUES (1);

-- case: a function of an index changes its result
-- old
CREATE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2 * a';
CREATE TABLE users (id integer PRIMARY KEY, n integer);
CREATE INDEX ix_twice ON users (twice(n));
-- new
CREATE FUNCTION twice(a integer) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 2 * a';
CREATE TABLE users (id integer PRIMARY KEY, n integer);
CREATE INDEX ix_twice ON users (twice(n));
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a procedure gets an inout argument
-- old
CREATE PROCEDURE greet(who text) LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', who; END $$;
-- new
CREATE PROCEDURE greet(who text, INOUT said text DEFAULT NULL) LANGUAGE plpgsql AS $$ BEGIN said := who; END $$;

-- case: a function takes and gives an enum that gets a value
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE FUNCTION up(m mood) RETURNS mood LANGUAGE sql IMMUTABLE AS $$ SELECT 'ok'::mood $$;
-- new
CREATE TYPE mood AS ENUM ('sad', 'ok', 'fine');
CREATE FUNCTION up(m mood) RETURNS mood LANGUAGE sql IMMUTABLE AS $$ SELECT 'ok'::mood $$;

-- case: a function takes rows of a table that goes
-- both
CREATE TABLE other (id integer PRIMARY KEY);
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
CREATE FUNCTION twice(u users) RETURNS integer LANGUAGE sql AS 'SELECT 2 * u.n';
-- new

-- case: a function loses its settings
-- old
CREATE FUNCTION here() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path TO 'public', 'pg_temp' SET work_mem TO '8MB' AS 'SELECT ''x''';
-- new
CREATE FUNCTION here() RETURNS text LANGUAGE sql AS 'SELECT ''x''';

-- case: an aggregate comes by hand
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer);
-- by hand
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer);

-- case: an aggregate changes by hand under a view
-- both
CREATE TABLE users (id integer PRIMARY KEY);
CREATE VIEW summed AS SELECT total(id) AS n FROM users;
-- old
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer);
-- new
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
-- by hand
CREATE OR REPLACE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');

-- case: an operator comes by hand
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq);
-- by hand
CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq);
-- alone

-- case: a cast comes by hand
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE CAST (text AS integer) WITH INOUT AS ASSIGNMENT;
-- by hand
CREATE CAST (text AS integer) WITH INOUT AS ASSIGNMENT;
-- alone
