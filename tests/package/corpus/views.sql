-- case: a view over a view over a view, where the lowest changes
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer);
CREATE VIEW middle AS SELECT id, n FROM lowest;
CREATE VIEW highest AS SELECT n FROM middle;
-- old
CREATE VIEW lowest AS SELECT id, n FROM users;
-- new
CREATE VIEW lowest AS SELECT n::bigint AS n, id FROM users;
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a view groups by a primary key that gets another name
-- both
CREATE VIEW counted AS SELECT u.id, u.nick, count(*) AS n FROM users u GROUP BY u.id;
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE TABLE users (id integer, nick text, CONSTRAINT pk_users PRIMARY KEY (id));
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a view groups by a primary key that changes its type
-- both
CREATE VIEW counted AS SELECT u.id, u.nick, count(*) AS n FROM users u GROUP BY u.id;
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE TABLE users (id bigint PRIMARY KEY, nick text);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a view groups by a primary key that includes more
-- both
CREATE VIEW counted AS SELECT u.id, u.nick, count(*) AS n FROM users u GROUP BY u.id;
-- old
CREATE TABLE users (id integer, nick text, PRIMARY KEY (id));
-- new
CREATE TABLE users (id integer, nick text, PRIMARY KEY (id) INCLUDE (nick));
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a view with rules of its own is changed under a column
-- both
CREATE VIEW seen AS SELECT id, n FROM users WHERE n > 0 WITH CASCADED CHECK OPTION;
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n numeric(8, 2));
-- rows
INSERT INTO users VALUES (1, 7);
-- changes: users.n

-- case: a security barrier comes
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- old
CREATE VIEW seen AS SELECT id FROM users;
-- new
CREATE VIEW seen WITH (security_barrier = true) AS SELECT id FROM users;
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a default of a view's column comes
-- known: a default of a view's column counts as one of the models, and is dropped
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer);
CREATE VIEW seen AS SELECT id, n FROM users;
-- new
ALTER VIEW seen ALTER COLUMN n SET DEFAULT 5;
-- by hand
ALTER VIEW seen ALTER COLUMN n SET DEFAULT 5;
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a view selects all columns of a table that gets one
-- both
CREATE VIEW seen AS SELECT * FROM users;
-- old
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- rows
INSERT INTO users VALUES (1);

-- case: a view becomes a table
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- old
CREATE VIEW seen AS SELECT id FROM users;
-- new
CREATE TABLE seen (id integer PRIMARY KEY);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a materialized view over a changed column keeps its unique index
-- both
CREATE MATERIALIZED VIEW kept AS SELECT id, n FROM users;
CREATE UNIQUE INDEX kept_id ON kept (id);
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n bigint);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a materialized view gets storage parameters
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- old
CREATE MATERIALIZED VIEW kept AS SELECT id, n FROM users;
-- new
CREATE MATERIALIZED VIEW kept WITH (fillfactor = 70) AS SELECT id, n FROM users;
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a materialized view without data comes
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE MATERIALIZED VIEW kept AS SELECT id, n FROM users WITH NO DATA;
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a view of a window function and a lateral join changes
-- both
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- old
CREATE VIEW ranked AS SELECT id, rank() OVER (ORDER BY n) AS place FROM users;
-- new
CREATE VIEW ranked AS SELECT u.id, rank() OVER w AS place, l.m FROM users u, LATERAL (SELECT max(n) AS m FROM users x WHERE x.id <= u.id) l WINDOW w AS (ORDER BY u.n DESC);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a view with a common table expression on a column that goes
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
CREATE VIEW seen AS WITH chosen AS (SELECT id, n FROM users) SELECT id, n FROM chosen;
-- new
CREATE TABLE users (id integer PRIMARY KEY);
CREATE VIEW seen AS WITH chosen AS (SELECT id FROM users) SELECT id FROM chosen;
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a view uses a column that goes
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
CREATE VIEW seen AS SELECT id, n FROM users;
-- new
CREATE TABLE users (id integer PRIMARY KEY);
CREATE VIEW seen AS SELECT id, n FROM users;
-- rows
INSERT INTO users VALUES (1, 7);
-- refused: views/ | column "n" does not exist
