-- case: a table comes
-- both
CREATE TABLE other (id integer PRIMARY KEY);
-- new
CREATE TABLE users (id serial PRIMARY KEY, nick text NOT NULL UNIQUE);
COMMENT ON TABLE users IS 'who is there';
CREATE INDEX ix_lower ON users (lower(nick));

-- case: a table goes
-- both
CREATE TABLE other (id integer PRIMARY KEY);
-- old
CREATE TABLE users (id serial PRIMARY KEY, nick text NOT NULL UNIQUE);
-- rows
INSERT INTO users (nick) VALUES ('Ada');

-- case: a table goes that a view and a foreign key need no more
-- both
CREATE TABLE teams (id integer PRIMARY KEY);
-- old
CREATE TABLE users (id integer PRIMARY KEY, team_id integer REFERENCES teams (id));
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer REFERENCES users (id));
CREATE VIEW authors AS SELECT u.id FROM users u JOIN posts p ON p.user_id = u.id;
-- new
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer);
CREATE VIEW authors AS SELECT user_id AS id FROM posts;
-- rows
INSERT INTO teams VALUES (1);

-- case: a table without columns comes
-- both
CREATE TABLE other (id integer PRIMARY KEY);
-- new
CREATE TABLE nothing ();

-- case: a table becomes unlogged
-- old
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE UNLOGGED TABLE users (id integer PRIMARY KEY);
-- rows
INSERT INTO users VALUES (1);

-- case: a table becomes logged
-- old
CREATE UNLOGGED TABLE users (id integer PRIMARY KEY);
-- new
CREATE TABLE users (id integer PRIMARY KEY);
-- rows
INSERT INTO users VALUES (1);

-- case: unlogged tables with a foreign key become logged
-- old
CREATE UNLOGGED TABLE users (id integer PRIMARY KEY);
CREATE UNLOGGED TABLE posts (id integer PRIMARY KEY, user_id integer REFERENCES users (id));
-- new
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer REFERENCES users (id));
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1);

-- case: storage parameters come
-- old
CREATE TABLE users (id integer PRIMARY KEY, bio text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, bio text) WITH (fillfactor = 70, autovacuum_enabled = off);
-- rows
INSERT INTO users VALUES (1, 'long');

-- case: storage parameters of the TOAST table come
-- old
CREATE TABLE users (id integer PRIMARY KEY, bio text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, bio text) WITH (toast.autovacuum_enabled = off, toast_tuple_target = 4000);
-- rows
INSERT INTO users VALUES (1, 'long');

-- case: storage parameters of the TOAST table change and go
-- old
CREATE TABLE users (id integer PRIMARY KEY, bio text) WITH (toast.autovacuum_enabled = off, toast.vacuum_truncate = off);
-- new
CREATE TABLE users (id integer PRIMARY KEY, bio text) WITH (toast.autovacuum_enabled = on);
-- rows
INSERT INTO users VALUES (1, 'long');

-- case: a table inherits from another one
-- both
CREATE TABLE roots (a integer);
-- old
CREATE TABLE leaves (a integer, b text);
-- new
CREATE TABLE leaves (b text) INHERITS (roots);
-- rows
INSERT INTO leaves VALUES (1, 'b');

-- case: a table inherits no more
-- both
CREATE TABLE roots (a integer);
-- old
CREATE TABLE leaves (b text) INHERITS (roots);
-- new
CREATE TABLE leaves (a integer, b text);
-- rows
INSERT INTO leaves VALUES (1, 'b');

-- case: the root of inheritance gets a column
-- both
CREATE TABLE leaves (b text) INHERITS (roots);
-- old
CREATE TABLE roots (a integer);
-- new
CREATE TABLE roots (a integer, c text);
-- rows
INSERT INTO roots VALUES (1); INSERT INTO leaves VALUES (2, 'b');

-- case: a column of inheritance changes its type
-- both
CREATE TABLE leaves (b text) INHERITS (roots);
-- old
CREATE TABLE roots (a integer);
-- new
CREATE TABLE roots (a bigint);
-- rows
INSERT INTO roots VALUES (1); INSERT INTO leaves VALUES (2, 'b');

-- case: the root of inheritance gets a check
-- both
CREATE TABLE leaves (b text) INHERITS (roots);
-- old
CREATE TABLE roots (a integer);
-- new
CREATE TABLE roots (a integer, CONSTRAINT positive CHECK (a > 0));
-- rows
INSERT INTO roots VALUES (1); INSERT INTO leaves VALUES (2, 'b');

-- case: the root of inheritance loses a column
-- both
CREATE TABLE leaves (b text) INHERITS (roots);
-- old
CREATE TABLE roots (a integer, c text);
-- new
CREATE TABLE roots (a integer);
-- rows
INSERT INTO roots VALUES (1, 'c'); INSERT INTO leaves VALUES (2, 'c', 'b');
-- loss: roots.c, leaves.c

-- case: root and child of inheritance get a column each
-- old
CREATE TABLE roots (a integer);
CREATE TABLE leaves (b text) INHERITS (roots);
-- new
CREATE TABLE roots (a integer, c text);
CREATE TABLE leaves (b text, d integer) INHERITS (roots);
-- rows
INSERT INTO roots VALUES (1); INSERT INTO leaves VALUES (2, 'b');

-- case: a table inherits over two steps, and the first of them changes
-- both
CREATE TABLE branches (b text) INHERITS (roots);
CREATE TABLE leaves (c text) INHERITS (branches);
-- old
CREATE TABLE roots (a integer);
-- new
CREATE TABLE roots (a integer NOT NULL DEFAULT 0, at date);
-- rows
INSERT INTO roots VALUES (1); INSERT INTO branches VALUES (2, 'b'); INSERT INTO leaves VALUES (3, 'b', 'c');

-- case: a table comes that inherits from one that is there
-- both
CREATE TABLE roots (a integer, CONSTRAINT positive CHECK (a > 0));
-- new
CREATE TABLE leaves (b text) INHERITS (roots);
CREATE INDEX leaves_a ON leaves (a);
-- rows
INSERT INTO roots VALUES (1);

-- case: a column of inheritance is renamed
-- both
CREATE TABLE leaves (b text) INHERITS (roots);
-- old
CREATE TABLE roots (a integer);
-- new
CREATE TABLE roots (c integer);
-- rows
INSERT INTO roots VALUES (1); INSERT INTO leaves VALUES (2, 'b');
-- rename: roots.a:c

-- case: a table inherits from a second one
-- both
CREATE TABLE roots (a integer);
CREATE TABLE others (b text);
-- old
CREATE TABLE leaves (b text, c text) INHERITS (roots);
-- new
CREATE TABLE leaves (c text) INHERITS (roots, others);
-- rows
INSERT INTO leaves VALUES (1, 'b', 'c');

-- case: a table gets a comment with odd letters
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
COMMENT ON TABLE users IS 'it''s; 100% "so" $$ -- \ x';
-- rows
INSERT INTO users VALUES (1);

-- case: the comment of a column changes with its type
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
COMMENT ON COLUMN users.n IS 'how many';
-- new
CREATE TABLE users (id integer PRIMARY KEY, n bigint);
COMMENT ON COLUMN users.n IS 'how very many';
-- rows
INSERT INTO users VALUES (1, 7);

-- case: comments of constraints and indexes come
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer CONSTRAINT positive CHECK (n > 0));
CREATE INDEX ix_n ON users (n);
-- new
COMMENT ON INDEX ix_n IS 'fast';
COMMENT ON CONSTRAINT positive ON users IS 'more than none';
-- by hand
COMMENT ON INDEX ix_n IS 'fast';
COMMENT ON CONSTRAINT positive ON users IS 'more than none';
-- rows
INSERT INTO users VALUES (1, 7);

-- case: the replica identity is full
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- new
ALTER TABLE users REPLICA IDENTITY FULL;
-- rows
INSERT INTO users VALUES (1);

-- case: a typed table comes
-- both
CREATE TYPE pair AS (a integer, b text);
-- new
CREATE TABLE pairs OF pair (a NOT NULL);
-- by hand
CREATE TABLE pairs OF pair (a NOT NULL);
