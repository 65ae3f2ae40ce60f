-- case: a check comes
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT positive CHECK (n > 0));
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a check changes
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT positive CHECK (n > 0));
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT positive CHECK (n > 1 AND n < 100));
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a check of a list of values gets one more
-- old
CREATE TABLE users (id integer PRIMARY KEY, kind varchar(5), CONSTRAINT kinds CHECK (kind IN ('a', 'b')));
-- new
CREATE TABLE users (id integer PRIMARY KEY, kind varchar(5), CONSTRAINT kinds CHECK (kind IN ('a', 'b', 'c')));
-- rows
INSERT INTO users VALUES (1, 'a');

-- case: a check without a name comes
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer CHECK (n > 0));
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a check goes
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT positive CHECK (n > 0));
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a check gets another name
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT positive CHECK (n > 0));
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT above_zero CHECK (n > 0));
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a check that rows violate comes as not valid
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer);
ALTER TABLE users ADD CONSTRAINT positive CHECK (n > 0) NOT VALID;
-- rows
INSERT INTO users VALUES (1, -7);

-- case: a check is validated
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- old
ALTER TABLE users ADD CONSTRAINT positive CHECK (n > 0) NOT VALID;
-- new
ALTER TABLE users ADD CONSTRAINT positive CHECK (n > 0);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a check is not enforced
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT positive CHECK (n > 0) NOT ENFORCED);
-- rows
INSERT INTO users VALUES (1, -7);

-- case: a check is enforced
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT positive CHECK (n > 0) NOT ENFORCED);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT positive CHECK (n > 0));
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a check that children do not inherit
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT positive CHECK (n > 0));
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT positive CHECK (n > 0) NO INHERIT);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a check of two columns on a column that changes its type
-- old
CREATE TABLE users (id integer PRIMARY KEY, a integer, b integer, CONSTRAINT sorted CHECK (a < b));
-- new
CREATE TABLE users (id integer PRIMARY KEY, a bigint, b bigint, CONSTRAINT sorted CHECK (a < b));
-- rows
INSERT INTO users VALUES (1, 2, 3);

-- case: a check with a pattern on a text that gets a length
-- old
CREATE TABLE users (id integer PRIMARY KEY, mail text, CONSTRAINT mail CHECK (mail ~ '^[^@]+@[^@]+$'));
-- new
CREATE TABLE users (id integer PRIMARY KEY, mail varchar(80), CONSTRAINT mail CHECK (mail ~ '^[^@]+@[^@]+$'));
-- rows
INSERT INTO users VALUES (1, 'a@b');

-- case: a unique constraint comes
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text, CONSTRAINT one_nick UNIQUE (nick));
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a unique constraint without a name goes
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text UNIQUE);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a unique constraint gets a column more
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text, n integer, CONSTRAINT one UNIQUE (nick));
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text, n integer, CONSTRAINT one UNIQUE (nick, n));
-- rows
INSERT INTO users VALUES (1, 'Ada', 7);

-- case: a unique constraint becomes a unique index
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text, CONSTRAINT users_nick UNIQUE (nick));
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text);
CREATE UNIQUE INDEX users_nick ON users (nick);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a unique index becomes a unique constraint
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
CREATE UNIQUE INDEX users_nick ON users (nick);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text, CONSTRAINT users_nick UNIQUE (nick));
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a unique constraint includes more and counts NULLs as alike
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text, n integer, CONSTRAINT one UNIQUE (nick));
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text, n integer, CONSTRAINT one UNIQUE NULLS NOT DISTINCT (nick) INCLUDE (n));
-- rows
INSERT INTO users VALUES (1, 'Ada', 7);

-- case: a unique constraint becomes deferred
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT one UNIQUE (n));
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT one UNIQUE (n) DEFERRABLE INITIALLY DEFERRED);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a unique constraint that a foreign key needs gets another name
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text, CONSTRAINT one UNIQUE (nick));
CREATE TABLE posts (id integer PRIMARY KEY, by text REFERENCES users (nick));
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text, CONSTRAINT only_one UNIQUE (nick));
CREATE TABLE posts (id integer PRIMARY KEY, by text REFERENCES users (nick));
-- rows
INSERT INTO users VALUES (1, 'Ada'); INSERT INTO posts VALUES (1, 'Ada');

-- case: a unique constraint that a foreign key needs includes more
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text, n integer, CONSTRAINT one UNIQUE (nick));
CREATE TABLE posts (id integer PRIMARY KEY, by text REFERENCES users (nick));
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text, n integer, CONSTRAINT one UNIQUE (nick) INCLUDE (n));
CREATE TABLE posts (id integer PRIMARY KEY, by text REFERENCES users (nick));
-- rows
INSERT INTO users VALUES (1, 'Ada', 7); INSERT INTO posts VALUES (1, 'Ada');

-- case: a unique constraint gets the options of its index
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT one UNIQUE (n));
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, CONSTRAINT one UNIQUE (n) WITH (fillfactor = 70));
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a unique constraint without overlaps comes
-- both
-- old
CREATE EXTENSION btree_gist;
CREATE TABLE rooms (id integer PRIMARY KEY, room integer, during tstzrange NOT NULL);
-- new
CREATE EXTENSION btree_gist;
CREATE TABLE rooms (id integer PRIMARY KEY, room integer, during tstzrange NOT NULL, CONSTRAINT apart UNIQUE (room, during WITHOUT OVERLAPS));
-- rows
INSERT INTO rooms VALUES (1, 7, '[2024-01-01, 2024-01-02)');

-- case: an exclusion comes
-- old
CREATE TABLE rooms (id integer PRIMARY KEY, during tsrange);
-- new
CREATE TABLE rooms (id integer PRIMARY KEY, during tsrange, CONSTRAINT apart EXCLUDE USING gist (during WITH &&));
-- rows
INSERT INTO rooms VALUES (1, '[2024-01-01, 2024-01-02)');

-- case: an exclusion gets a condition
-- old
CREATE TABLE rooms (id integer PRIMARY KEY, during tsrange, open boolean, CONSTRAINT apart EXCLUDE USING gist (during WITH &&));
-- new
CREATE TABLE rooms (id integer PRIMARY KEY, during tsrange, open boolean, CONSTRAINT apart EXCLUDE USING gist (during WITH &&) WHERE (open));
-- rows
INSERT INTO rooms VALUES (1, '[2024-01-01, 2024-01-02)', true);

-- case: an exclusion becomes deferrable
-- old
CREATE TABLE rooms (id integer PRIMARY KEY, during tsrange, CONSTRAINT apart EXCLUDE USING gist (during WITH &&));
-- new
CREATE TABLE rooms (id integer PRIMARY KEY, during tsrange, CONSTRAINT apart EXCLUDE USING gist (during WITH &&) DEFERRABLE);
-- rows
INSERT INTO rooms VALUES (1, '[2024-01-01, 2024-01-02)');

-- case: an exclusion goes with its extension
-- old
CREATE EXTENSION btree_gist;
CREATE TABLE rooms (id integer PRIMARY KEY, room integer, during tsrange, CONSTRAINT apart EXCLUDE USING gist (room WITH =, during WITH &&));
-- new
CREATE TABLE rooms (id integer PRIMARY KEY, room integer, during tsrange);
-- rows
INSERT INTO rooms VALUES (1, 7, '[2024-01-01, 2024-01-02)');

-- case: a column of an exclusion changes its type
-- old
CREATE TABLE rooms (id integer PRIMARY KEY, during int4range, CONSTRAINT apart EXCLUDE USING gist (during WITH &&));
-- new
CREATE TABLE rooms (id integer PRIMARY KEY, during int8range, CONSTRAINT apart EXCLUDE USING gist (during WITH &&));
-- rows
INSERT INTO rooms VALUES (1, '[1, 5)');
