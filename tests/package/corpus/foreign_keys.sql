-- case: a foreign key comes
-- old
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer REFERENCES users (id));
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1);

-- case: a foreign key comes with its column
-- old
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY);
-- new
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer, CONSTRAINT by FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE);
CREATE INDEX ix_posts_user_id ON posts (user_id);
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1);

-- case: a foreign key goes
-- old
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer REFERENCES users (id));
-- new
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer);
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1);

-- case: a foreign key goes with the table that it refers to
-- old
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer REFERENCES users (id));
-- new
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer);
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, NULL);

-- case: a foreign key gets actions
-- old
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer CONSTRAINT by REFERENCES users (id));
-- new
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer CONSTRAINT by REFERENCES users (id) ON UPDATE CASCADE ON DELETE SET NULL);
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1);

-- case: a foreign key restricts
-- old
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer DEFAULT 1 CONSTRAINT by REFERENCES users (id) ON DELETE SET DEFAULT);
-- new
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer DEFAULT 1 CONSTRAINT by REFERENCES users (id) ON DELETE RESTRICT);
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1);

-- case: a foreign key sets some of its columns to NULL
-- old
CREATE TABLE users (a integer, b integer, PRIMARY KEY (a, b));
CREATE TABLE posts (id integer PRIMARY KEY, a integer NOT NULL, b integer, CONSTRAINT by FOREIGN KEY (a, b) REFERENCES users (a, b));
-- new
CREATE TABLE users (a integer, b integer, PRIMARY KEY (a, b));
CREATE TABLE posts (id integer PRIMARY KEY, a integer NOT NULL, b integer, CONSTRAINT by FOREIGN KEY (a, b) REFERENCES users (a, b) ON DELETE SET NULL (b));
-- rows
INSERT INTO users VALUES (1, 2); INSERT INTO posts VALUES (1, 1, 2);

-- case: a foreign key becomes deferrable
-- old
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer CONSTRAINT by REFERENCES users (id));
-- new
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer CONSTRAINT by REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED);
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1);

-- case: a foreign key that is deferred is checked at once
-- old
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer CONSTRAINT by REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED);
-- new
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer CONSTRAINT by REFERENCES users (id));
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1);

-- case: a foreign key that rows violate comes as not valid
-- both
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer);
-- new
ALTER TABLE posts ADD CONSTRAINT by FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;
-- rows
INSERT INTO posts VALUES (1, 1);

-- case: a foreign key is validated
-- both
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer);
-- old
ALTER TABLE posts ADD CONSTRAINT by FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;
-- new
ALTER TABLE posts ADD CONSTRAINT by FOREIGN KEY (user_id) REFERENCES users (id);
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1);

-- case: a foreign key is not enforced
-- both
CREATE TABLE users (id integer PRIMARY KEY);
-- old
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer CONSTRAINT by REFERENCES users (id));
-- new
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer CONSTRAINT by REFERENCES users (id) NOT ENFORCED);
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1);

-- case: a foreign key refers to another table
-- both
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE teams (id integer PRIMARY KEY);
-- old
CREATE TABLE posts (id integer PRIMARY KEY, owner_id integer CONSTRAINT by REFERENCES users (id));
-- new
CREATE TABLE posts (id integer PRIMARY KEY, owner_id integer CONSTRAINT by REFERENCES teams (id));
-- rows
INSERT INTO users VALUES (1); INSERT INTO teams VALUES (1); INSERT INTO posts VALUES (1, 1);

-- case: a table refers to itself
-- old
CREATE TABLE users (id integer PRIMARY KEY, boss_id integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, boss_id integer, FOREIGN KEY (boss_id) REFERENCES users (id) ON DELETE SET NULL);
-- rows
INSERT INTO users VALUES (1, NULL), (2, 1);

-- case: tables that refer to one another come
-- old
CREATE TABLE other (id integer PRIMARY KEY);
-- new
CREATE TABLE other (id integer PRIMARY KEY);
CREATE TABLE users (id integer PRIMARY KEY, team_id integer);
CREATE TABLE teams (id integer PRIMARY KEY, lead_id integer REFERENCES users (id));
ALTER TABLE users ADD CONSTRAINT fk_team FOREIGN KEY (team_id) REFERENCES teams (id);
-- rows
INSERT INTO other VALUES (1);

-- case: tables that refer to one another go
-- old
CREATE TABLE other (id integer PRIMARY KEY);
CREATE TABLE users (id integer PRIMARY KEY, team_id integer);
CREATE TABLE teams (id integer PRIMARY KEY, lead_id integer REFERENCES users (id));
ALTER TABLE users ADD CONSTRAINT fk_team FOREIGN KEY (team_id) REFERENCES teams (id);
-- new
CREATE TABLE other (id integer PRIMARY KEY);
-- rows
INSERT INTO other VALUES (1);

-- case: a foreign key matches in full
-- both
CREATE TABLE users (a integer, b integer, PRIMARY KEY (a, b));
-- old
CREATE TABLE posts (id integer PRIMARY KEY, a integer, b integer, CONSTRAINT by FOREIGN KEY (a, b) REFERENCES users (a, b));
-- new
CREATE TABLE posts (id integer PRIMARY KEY, a integer, b integer, CONSTRAINT by FOREIGN KEY (a, b) REFERENCES users (a, b) MATCH FULL);
-- rows
INSERT INTO users VALUES (1, 2); INSERT INTO posts VALUES (1, 1, 2);

-- case: a foreign key to a unique index comes
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
CREATE UNIQUE INDEX one_nick ON users (nick);
-- old
CREATE TABLE posts (id integer PRIMARY KEY, by text);
-- new
CREATE TABLE posts (id integer PRIMARY KEY, by text, FOREIGN KEY (by) REFERENCES users (nick));
-- rows
INSERT INTO users VALUES (1, 'Ada'); INSERT INTO posts VALUES (1, 'Ada');

-- case: a period refers to a period
-- both
CREATE EXTENSION btree_gist;
-- old
CREATE TABLE rooms (id integer, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE stays (id integer PRIMARY KEY, room_id integer, during daterange);
-- new
CREATE TABLE rooms (id integer, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE stays (id integer PRIMARY KEY, room_id integer, during daterange, CONSTRAINT of FOREIGN KEY (room_id, PERIOD during) REFERENCES rooms (id, PERIOD during));
-- rows
INSERT INTO rooms VALUES (1, '[2024-01-01, 2025-01-01)'); INSERT INTO stays VALUES (1, 1, '[2024-02-01, 2024-03-01)');
-- alone
