-- case: a column is renamed
-- old
CREATE TABLE users (id serial PRIMARY KEY, nick text DEFAULT 'x' NOT NULL UNIQUE);
-- new
CREATE TABLE users (id serial PRIMARY KEY, handle text DEFAULT 'x' NOT NULL UNIQUE);
-- rows
INSERT INTO users (nick) VALUES ('Ada');
-- rename: users.nick:handle

-- case: a column is renamed that is not meant to be
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, handle text);
-- rows
INSERT INTO users VALUES (1, 'Ada');
-- refused: Possible rename: users.nick | rename=none

-- case: a serial key is renamed
-- old
CREATE TABLE users (id serial PRIMARY KEY, nick text);
-- new
CREATE TABLE users (user_id serial PRIMARY KEY, nick text);
-- rows
INSERT INTO users (nick) VALUES ('Ada'), ('Eve');
-- rename: users.id:user_id

-- case: an identity key is renamed
-- old
CREATE TABLE users (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, nick text);
-- new
CREATE TABLE users (user_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, nick text);
-- rows
INSERT INTO users (nick) VALUES ('Ada'), ('Eve');
-- rename: users.id:user_id

-- case: a table with a serial key is renamed
-- old
CREATE TABLE users (id serial PRIMARY KEY, nick text NOT NULL UNIQUE, n integer CHECK (n > 0));
-- new
CREATE TABLE people (id serial PRIMARY KEY, nick text NOT NULL UNIQUE, n integer CHECK (n > 0));
-- rows
INSERT INTO users (nick, n) VALUES ('Ada', 7);
-- rename: users:people

-- case: a table that others refer to is renamed
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer REFERENCES users (id));
-- new
CREATE TABLE people (id integer PRIMARY KEY, nick text);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer REFERENCES people (id));
-- rows
INSERT INTO users VALUES (1, 'Ada'); INSERT INTO posts VALUES (1, 1);
-- rename: users:people

-- case: a table and its column are renamed
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text, a integer, b integer);
-- new
CREATE TABLE people (id integer PRIMARY KEY, handle text, a integer, b integer);
-- rows
INSERT INTO users VALUES (1, 'Ada', 2, 3);
-- rename: users:people, people.nick:handle

-- case: a column is renamed and gets a length
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick varchar(10));
-- new
CREATE TABLE users (id integer PRIMARY KEY, handle varchar(20) NOT NULL);
-- rows
INSERT INTO users VALUES (1, 'Ada');
-- rename: users.nick:handle

-- case: a column is renamed and changes its type
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, m bigint);
-- rows
INSERT INTO users VALUES (1, 7);
-- rename: users.n:m

-- case: two columns are renamed at once
-- old
CREATE TABLE users (id integer PRIMARY KEY, a text, b text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, c text, d text);
-- rows
INSERT INTO users VALUES (1, 'a', 'b');
-- rename: users.a:d, users.b:c

-- case: two tables swap their names
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
CREATE TABLE people (id integer PRIMARY KEY, t text, u text);
-- new
CREATE TABLE people (id integer PRIMARY KEY, n integer);
CREATE TABLE users (id integer PRIMARY KEY, t text, u text);
-- rows
INSERT INTO users VALUES (1, 7); INSERT INTO people VALUES (1, 't', 'u');

-- case: a column is renamed under a view, an index, a check and a generated column
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer CONSTRAINT positive CHECK (n > 0), d integer GENERATED ALWAYS AS (n * 2) STORED);
CREATE INDEX ix_n ON users (n) WHERE n > 5;
CREATE VIEW seen AS SELECT n FROM users;
-- new
CREATE TABLE users (id integer PRIMARY KEY, m integer CONSTRAINT positive CHECK (m > 0), d integer GENERATED ALWAYS AS (m * 2) STORED);
CREATE INDEX ix_n ON users (m) WHERE m > 5;
CREATE VIEW seen AS SELECT m FROM users;
-- rows
INSERT INTO users VALUES (1, 7);
-- rename: users.n:m

-- case: a column of a foreign key is renamed
-- old
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE CASCADE);
-- new
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, owner_id integer REFERENCES users (id) ON DELETE CASCADE);
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1);
-- rename: posts.user_id:owner_id

-- case: a table is renamed and gets a column, an index and a comment
-- old
CREATE TABLE users (id integer PRIMARY KEY, a text, b text);
-- new
CREATE TABLE people (id integer PRIMARY KEY, a text, b text, c text);
CREATE INDEX ix_c ON people (c);
COMMENT ON TABLE people IS 'who is there';
-- rows
INSERT INTO users VALUES (1, 'a', 'b');
-- rename: users:people

-- case: a partitioned table's column is renamed
-- both
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100);
-- old
CREATE TABLE events (id integer, what text) PARTITION BY RANGE (id);
-- new
CREATE TABLE events (id integer, kind text) PARTITION BY RANGE (id);
-- rows
INSERT INTO events VALUES (1, 'x');
-- rename: events.what:kind

-- case: an enum is renamed
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, m mood DEFAULT 'ok');
-- new
CREATE TYPE feeling AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, m feeling DEFAULT 'ok');
-- rows
INSERT INTO days VALUES (1, 'ok');
-- rename: mood:feeling

-- case: a quoted table is renamed
-- old
CREATE TABLE "Old Users" (id integer PRIMARY KEY, "Nick" text);
-- new
CREATE TABLE "New Users" (id integer PRIMARY KEY, "Nick" text);
-- rows
INSERT INTO "Old Users" VALUES (1, 'Ada');
-- rename: Old Users:New Users
-- alone
