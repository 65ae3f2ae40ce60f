-- case: a value comes at the end
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood);
-- new
CREATE TYPE mood AS ENUM ('sad', 'ok', 'fine');
CREATE TABLE days (id integer PRIMARY KEY, mood mood);
-- rows
INSERT INTO days VALUES (1, 'ok');

-- case: a value comes in between and before all
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood);
-- new
CREATE TYPE mood AS ENUM ('awful', 'sad', 'so', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood);
-- rows
INSERT INTO days VALUES (1, 'ok');

-- case: a value goes
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok', 'fine');
CREATE TABLE days (id integer PRIMARY KEY, mood mood DEFAULT 'ok' NOT NULL);
-- new
CREATE TYPE mood AS ENUM ('ok', 'fine');
CREATE TABLE days (id integer PRIMARY KEY, mood mood DEFAULT 'ok' NOT NULL);
-- rows
INSERT INTO days VALUES (1, 'ok'), (2, 'fine');

-- case: values change their order
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok', 'fine');
CREATE TABLE days (id integer PRIMARY KEY, mood mood);
CREATE INDEX ix_mood ON days (mood);
-- new
CREATE TYPE mood AS ENUM ('fine', 'ok', 'sad');
CREATE TABLE days (id integer PRIMARY KEY, mood mood);
CREATE INDEX ix_mood ON days (mood);
-- rows
INSERT INTO days VALUES (1, 'ok'), (2, 'fine');

-- case: a value is renamed, which rows do not use
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood);
-- new
CREATE TYPE mood AS ENUM ('sad', 'good');
CREATE TABLE days (id integer PRIMARY KEY, mood mood);
-- rows
INSERT INTO days VALUES (1, 'sad');

-- case: an enum in an array loses a value
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, moods mood[] DEFAULT '{ok}');
-- new
CREATE TYPE mood AS ENUM ('ok');
CREATE TABLE days (id integer PRIMARY KEY, moods mood[] DEFAULT '{ok}');
-- rows
INSERT INTO days VALUES (1, '{ok,ok}');

-- case: an enum of several tables loses a value
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood DEFAULT 'ok');
CREATE TABLE nights (id integer PRIMARY KEY, mood mood, other mood);
-- new
CREATE TYPE mood AS ENUM ('ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood DEFAULT 'ok');
CREATE TABLE nights (id integer PRIMARY KEY, mood mood, other mood);
-- rows
INSERT INTO days VALUES (1, 'ok'); INSERT INTO nights VALUES (1, 'ok', NULL);

-- case: an enum loses a value under a check, an index and a unique constraint
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok', 'fine');
CREATE TABLE days (id integer PRIMARY KEY, mood mood, UNIQUE (mood), CONSTRAINT not_fine CHECK (mood <> 'fine'));
CREATE INDEX ix_ok ON days (id) WHERE mood = 'ok';
-- new
CREATE TYPE mood AS ENUM ('ok', 'fine');
CREATE TABLE days (id integer PRIMARY KEY, mood mood, UNIQUE (mood), CONSTRAINT not_fine CHECK (mood <> 'fine'));
CREATE INDEX ix_ok ON days (id) WHERE mood = 'ok';
-- rows
INSERT INTO days VALUES (1, 'ok');

-- case: an enum loses a value under a generated column
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood, good boolean GENERATED ALWAYS AS (mood = 'ok') STORED);
-- new
CREATE TYPE mood AS ENUM ('ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood, good boolean GENERATED ALWAYS AS (mood = 'ok') STORED);
-- rows
INSERT INTO days VALUES (1, 'ok');

-- case: a column changes from one enum to another
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood DEFAULT 'ok');
-- new
CREATE TYPE feeling AS ENUM ('sad', 'ok', 'fine');
CREATE TABLE days (id integer PRIMARY KEY, mood feeling DEFAULT 'ok');
-- rows
INSERT INTO days VALUES (1, 'ok');
-- rename: none

-- case: a text becomes an enum
-- old
CREATE TABLE days (id integer PRIMARY KEY, mood varchar(10) DEFAULT 'ok' NOT NULL);
-- new
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood DEFAULT 'ok' NOT NULL);
-- rows
INSERT INTO days VALUES (1, 'ok');

-- case: an enum becomes a text with a check
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood DEFAULT 'ok' NOT NULL);
-- new
CREATE TABLE days (id integer PRIMARY KEY, mood varchar(10) DEFAULT 'ok' NOT NULL, CONSTRAINT moods CHECK (mood IN ('sad', 'ok')));
-- rows
INSERT INTO days VALUES (1, 'ok');

-- case: an enum becomes an array of it
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood);
-- new
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood[]);

-- case: a new value is a default at once
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood DEFAULT 'ok');
-- new
CREATE TYPE mood AS ENUM ('sad', 'ok', 'fine');
CREATE TABLE days (id integer PRIMARY KEY, mood mood DEFAULT 'fine');
-- rows
INSERT INTO days VALUES (1, 'ok');

-- case: a new value is in a check at once
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood, CONSTRAINT good CHECK (mood = 'ok'));
-- new
CREATE TYPE mood AS ENUM ('sad', 'ok', 'fine');
CREATE TABLE days (id integer PRIMARY KEY, mood mood, CONSTRAINT good CHECK (mood IN ('ok', 'fine')));
-- rows
INSERT INTO days VALUES (1, 'ok');

-- case: an enum comes with its table
-- both
CREATE TABLE other (id integer PRIMARY KEY);
-- new
CREATE TYPE mood AS ENUM ('it''s', 'a "b"', '100%');
CREATE TABLE days (id integer PRIMARY KEY, mood mood DEFAULT 'it''s');

-- case: an enum goes with its column
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood);
-- new
CREATE TABLE days (id integer PRIMARY KEY);
-- rows
INSERT INTO days VALUES (1, 'ok');

-- case: a value goes that rows use
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood);
CREATE VIEW good AS SELECT id FROM days WHERE mood = 'sad';
-- new
CREATE TYPE mood AS ENUM ('ok');
CREATE TABLE days (id integer PRIMARY KEY, mood mood);
CREATE VIEW good AS SELECT id FROM days WHERE mood = 'sad';
-- rows
INSERT INTO days VALUES (1, 'sad');
-- refused: views/ | invalid input value for enum

-- case: an enum in a key that is referred to loses a value
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE moods (mood mood PRIMARY KEY);
CREATE TABLE days (id integer PRIMARY KEY, mood mood REFERENCES moods (mood));
-- new
CREATE TYPE mood AS ENUM ('ok');
CREATE TABLE moods (mood mood PRIMARY KEY);
CREATE TABLE days (id integer PRIMARY KEY, mood mood REFERENCES moods (mood));
-- rows
INSERT INTO moods VALUES ('ok'); INSERT INTO days VALUES (1, 'ok');

-- case: an enum in a partitioned table loses a value
-- both
-- old
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE days (id integer, mood mood) PARTITION BY RANGE (id);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (100);
-- new
CREATE TYPE mood AS ENUM ('ok');
CREATE TABLE days (id integer, mood mood) PARTITION BY RANGE (id);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (100);
-- rows
INSERT INTO days VALUES (1, 'ok');
