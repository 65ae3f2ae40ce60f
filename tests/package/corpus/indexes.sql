-- case: an index comes
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE INDEX ix_nick ON users (nick);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a unique index of an expression changes
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- old
CREATE UNIQUE INDEX ix_nick ON users (lower(nick));
-- new
CREATE UNIQUE INDEX ix_nick ON users (upper(nick), id);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a partial index changes its condition
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text, n integer);
-- old
CREATE INDEX ix_nick ON users (nick) WHERE n > 0;
-- new
CREATE INDEX ix_nick ON users (nick) WHERE n > 1 AND nick IS NOT NULL;
-- rows
INSERT INTO users VALUES (1, 'Ada', 7);

-- case: an index includes more
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text, n integer);
-- old
CREATE INDEX ix_nick ON users (nick);
-- new
CREATE INDEX ix_nick ON users (nick) INCLUDE (n);
-- rows
INSERT INTO users VALUES (1, 'Ada', 7);

-- case: an index changes its order and where its NULLs are
-- both
CREATE TABLE users (id integer PRIMARY KEY, a integer, b integer);
-- old
CREATE INDEX ix_ab ON users (a, b);
-- new
CREATE INDEX ix_ab ON users (a DESC NULLS LAST, b NULLS FIRST);
-- rows
INSERT INTO users VALUES (1, 2, 3);

-- case: an index changes its operator class
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- old
CREATE INDEX ix_nick ON users (nick);
-- new
CREATE INDEX ix_nick ON users (nick text_pattern_ops);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: an index changes its method to hash
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- old
CREATE INDEX ix_nick ON users (nick);
-- new
CREATE INDEX ix_nick ON users USING hash (nick);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: indexes of gin, gist, spgist and brin come
-- both
CREATE TABLE users (id integer PRIMARY KEY, tags text[], during tsrange, nick text, n integer);
-- new
CREATE INDEX ix_tags ON users USING gin (tags);
CREATE INDEX ix_during ON users USING gist (during);
CREATE INDEX ix_name ON users USING spgist (nick);
CREATE INDEX ix_n ON users USING brin (n) WITH (pages_per_range = 16);
-- rows
INSERT INTO users VALUES (1, '{a}', '[2024-01-01, 2024-01-02)', 'Ada', 7);

-- case: a gin index changes its options
-- both
CREATE TABLE users (id integer PRIMARY KEY, data jsonb);
-- old
CREATE INDEX ix_data ON users USING gin (data);
-- new
CREATE INDEX ix_data ON users USING gin (data jsonb_path_ops) WITH (fastupdate = off);
-- rows
INSERT INTO users VALUES (1, '{}');

-- case: an operator class gets a parameter
-- both
CREATE TABLE users (id integer PRIMARY KEY, words tsvector);
-- old
CREATE INDEX ix_words ON users USING gist (words);
-- new
CREATE INDEX ix_words ON users USING gist (words tsvector_ops (siglen = 64));
-- rows
INSERT INTO users VALUES (1, 'ada');

-- case: an index changes whether NULLs are alike
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- old
CREATE UNIQUE INDEX ix_nick ON users (nick);
-- new
CREATE UNIQUE INDEX ix_nick ON users (nick) NULLS NOT DISTINCT;
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: an index changes its collation
-- both
CREATE TABLE clients (id integer PRIMARY KEY, nick text);
-- old
CREATE INDEX ix_clients ON clients (nick COLLATE "C");
-- new
CREATE INDEX ix_clients ON clients (nick COLLATE "POSIX");
-- rows
INSERT INTO clients VALUES (1, 'Ada');

-- case: an index gets another name
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- old
CREATE INDEX ix_nick ON users (nick);
-- new
CREATE INDEX users_nick_idx ON users (nick);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a fillfactor of an index comes
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- old
CREATE INDEX ix_nick ON users (nick);
-- new
CREATE INDEX ix_nick ON users (nick) WITH (fillfactor = 70, deduplicate_items = off);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a table is clustered on an index
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
CREATE INDEX ix_nick ON users (nick);
-- new
ALTER TABLE users CLUSTER ON ix_nick;
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: the statistics of an expression of an index change
-- known: they are part of their index, so the next migration undoes what a migration by hand has set
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
CREATE INDEX ix_nick ON users (lower(nick));
-- new
ALTER INDEX ix_nick ALTER COLUMN 1 SET STATISTICS 500;
-- by hand
ALTER INDEX ix_nick ALTER COLUMN 1 SET STATISTICS 500;
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: the columns of an index change their type
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, nick varchar(5));
CREATE INDEX ix_n ON users (n, nick text_pattern_ops) WHERE n > 3;
-- new
CREATE TABLE users (id integer PRIMARY KEY, n bigint, nick text);
CREATE INDEX ix_n ON users (n, nick text_pattern_ops) WHERE n > 3;
-- rows
INSERT INTO users VALUES (1, 7, 'Ada');

-- case: a trigram index comes with its extension
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE EXTENSION pg_trgm;
CREATE INDEX ix_nick ON users USING gin (nick gin_trgm_ops);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a unique index is the replica identity
-- old
CREATE TABLE users (id integer NOT NULL);
CREATE UNIQUE INDEX ix_id ON users (id);
-- new
CREATE TABLE users (id integer NOT NULL);
CREATE UNIQUE INDEX ix_id ON users (id);
ALTER TABLE users REPLICA IDENTITY USING INDEX ix_id;
-- rows
INSERT INTO users VALUES (1);

-- case: an index of a system function changes its method and its name
-- both
CREATE TABLE users (id integer PRIMARY KEY, at timestamp);
-- old
CREATE INDEX ix_day ON users (date_trunc('day', at));
-- new
CREATE INDEX ix_hour ON users USING brin (date_trunc('hour', at));
-- rows
INSERT INTO users VALUES (1, '2024-01-01');
