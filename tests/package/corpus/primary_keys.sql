-- case: a primary key comes
-- old
CREATE TABLE users (id integer NOT NULL, nick text);
-- new
CREATE TABLE users (id integer NOT NULL, nick text, PRIMARY KEY (id));
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a primary key comes to a column that may be NULL
-- old
CREATE TABLE users (id integer, nick text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a primary key goes
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE TABLE users (id integer NOT NULL, nick text);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a primary key gets a name by a convention
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE TABLE users (id integer, nick text, CONSTRAINT pk_users PRIMARY KEY (id));
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a primary key that others refer to gets a name by a convention
-- old
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer REFERENCES users (id));
-- new
CREATE TABLE users (id integer, CONSTRAINT pk_users PRIMARY KEY (id));
CREATE TABLE posts (id integer, user_id integer, CONSTRAINT pk_posts PRIMARY KEY (id), CONSTRAINT fk_posts_user_id_users FOREIGN KEY (user_id) REFERENCES users (id));
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1);

-- case: a primary key gets a column more
-- old
CREATE TABLE users (id integer NOT NULL, part integer NOT NULL, PRIMARY KEY (id));
-- new
CREATE TABLE users (id integer NOT NULL, part integer NOT NULL, PRIMARY KEY (id, part));
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a primary key moves to another column
-- old
CREATE TABLE users (id integer PRIMARY KEY, key uuid NOT NULL);
-- new
CREATE TABLE users (id integer NOT NULL, key uuid PRIMARY KEY);
-- rows
INSERT INTO users VALUES (1, '6f9619ff-8b86-d011-b42d-00c04fc964ff');

-- case: a primary key of two columns changes their order
-- old
CREATE TABLE users (a integer, b integer, PRIMARY KEY (a, b));
-- new
CREATE TABLE users (a integer, b integer, PRIMARY KEY (b, a));
-- rows
INSERT INTO users VALUES (1, 2);

-- case: a primary key that a foreign key refers to changes its type
-- old
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer REFERENCES users (id));
-- new
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint REFERENCES users (id));
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1);

-- case: a primary key with its foreign key becomes text
-- old
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id integer REFERENCES users (id));
-- new
CREATE TABLE users (id text PRIMARY KEY);
CREATE TABLE posts (id integer PRIMARY KEY, user_id text REFERENCES users (id));
-- rows
INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1);

-- case: a composite key that is referred to gets a column more, and so does the foreign key
-- old
CREATE TABLE users (a integer, b integer NOT NULL, PRIMARY KEY (a));
CREATE TABLE posts (id integer PRIMARY KEY, a integer, b integer, CONSTRAINT by FOREIGN KEY (a) REFERENCES users (a));
-- new
CREATE TABLE users (a integer, b integer NOT NULL, PRIMARY KEY (a, b));
CREATE TABLE posts (id integer PRIMARY KEY, a integer, b integer, CONSTRAINT by FOREIGN KEY (a, b) REFERENCES users (a, b));
-- rows
INSERT INTO users VALUES (1, 2); INSERT INTO posts VALUES (1, 1, 2);

-- case: a primary key becomes deferrable
-- old
CREATE TABLE users (id integer, PRIMARY KEY (id));
-- new
CREATE TABLE users (id integer, PRIMARY KEY (id) DEFERRABLE);
-- rows
INSERT INTO users VALUES (1);

-- case: a primary key includes a column
-- old
CREATE TABLE users (id integer, n integer, PRIMARY KEY (id));
-- new
CREATE TABLE users (id integer, n integer, PRIMARY KEY (id) INCLUDE (n));
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a primary key becomes a unique constraint
-- old
CREATE TABLE users (id integer NOT NULL, CONSTRAINT users_id PRIMARY KEY (id));
-- new
CREATE TABLE users (id integer NOT NULL, CONSTRAINT users_id UNIQUE (id));
-- rows
INSERT INTO users VALUES (1);

-- case: a serial primary key is replaced by a uuid
-- old
CREATE TABLE users (id serial PRIMARY KEY, nick text);
-- new
CREATE TABLE users (key uuid DEFAULT gen_random_uuid() PRIMARY KEY, nick text);
-- rows
INSERT INTO users (nick) VALUES ('Ada');
-- loss: users.key
