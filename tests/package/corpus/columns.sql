-- case: a column comes
-- both
-- old
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE TABLE users (id integer PRIMARY KEY, bio text);
-- rows
INSERT INTO users VALUES (1), (2);

-- case: a column comes with a default
-- old
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE TABLE users (id integer PRIMARY KEY, active boolean DEFAULT true NOT NULL);
-- rows
INSERT INTO users VALUES (1), (2);
-- loss: users.active

-- case: a column comes before the others
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE TABLE users (code text, id integer PRIMARY KEY, nick text);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a column goes
-- old
CREATE TABLE users (id integer PRIMARY KEY, bio text);
-- new
CREATE TABLE users (id integer PRIMARY KEY);
-- rows
INSERT INTO users VALUES (1, 'long');

-- case: a column goes with its index and its check
-- old
CREATE TABLE users (id integer PRIMARY KEY, age integer CONSTRAINT grown CHECK (age > 0));
CREATE INDEX ix_users_age ON users (age);
-- new
CREATE TABLE users (id integer PRIMARY KEY);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: columns are only in another order
-- old
CREATE TABLE users (id integer PRIMARY KEY, a text, b text);
-- new
CREATE TABLE users (b text, a text, id integer PRIMARY KEY);
-- rows
INSERT INTO users VALUES (1, 'a', 'b');
-- nothing

-- case: integer to bigint
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n bigint);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: bigint to integer
-- old
CREATE TABLE users (id integer PRIMARY KEY, n bigint);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: integer to text
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n text);
-- rows
INSERT INTO users VALUES (1, 7), (2, NULL);

-- case: text to integer
-- old
CREATE TABLE users (id integer PRIMARY KEY, n text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- rows
INSERT INTO users VALUES (1, '7'), (2, NULL);

-- case: text to uuid
-- old
CREATE TABLE users (id integer PRIMARY KEY, key text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, key uuid);
-- rows
INSERT INTO users VALUES (1, '6f9619ff-8b86-d011-b42d-00c04fc964ff');

-- case: text to jsonb
-- old
CREATE TABLE users (id integer PRIMARY KEY, data text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, data jsonb);
-- rows
INSERT INTO users VALUES (1, '7');

-- case: json to jsonb with a default
-- old
CREATE TABLE users (id integer PRIMARY KEY, data json DEFAULT '{}' NOT NULL);
-- new
CREATE TABLE users (id integer PRIMARY KEY, data jsonb DEFAULT '{}' NOT NULL);
-- rows
INSERT INTO users VALUES (1, '{"a": 1}');

-- case: varchar gets longer
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick varchar(20));
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick varchar(50));
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: varchar gets shorter
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick varchar(50));
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick varchar(20));
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: char to varchar
-- old
CREATE TABLE users (id integer PRIMARY KEY, code char(3));
-- new
CREATE TABLE users (id integer PRIMARY KEY, code varchar(3));
-- rows
INSERT INTO users VALUES (1, 'abc');

-- case: numeric gets more digits
-- old
CREATE TABLE users (id integer PRIMARY KEY, price numeric(10, 2));
-- new
CREATE TABLE users (id integer PRIMARY KEY, price numeric(14, 4));
-- rows
INSERT INTO users VALUES (1, 1.50);
-- changes: users.price

-- case: numeric loses its limits
-- old
CREATE TABLE users (id integer PRIMARY KEY, price numeric(10, 2));
-- new
CREATE TABLE users (id integer PRIMARY KEY, price numeric);
-- rows
INSERT INTO users VALUES (1, 1.50);

-- case: real to double precision
-- old
CREATE TABLE users (id integer PRIMARY KEY, size real DEFAULT 0.5);
-- new
CREATE TABLE users (id integer PRIMARY KEY, size double precision DEFAULT 0.5);
-- rows
INSERT INTO users VALUES (1, 1.5);

-- case: timestamp to timestamptz
-- old
CREATE TABLE users (id integer PRIMARY KEY, seen timestamp DEFAULT now());
-- new
CREATE TABLE users (id integer PRIMARY KEY, seen timestamptz DEFAULT now());
-- rows
INSERT INTO users VALUES (1, '2024-01-01 10:00');
-- changes: users.seen

-- case: timestamp to date
-- old
CREATE TABLE users (id integer PRIMARY KEY, seen timestamp);
-- new
CREATE TABLE users (id integer PRIMARY KEY, seen date);
-- rows
INSERT INTO users VALUES (1, '2024-01-01 08:30');
-- changes: users.seen

-- case: date to text
-- old
CREATE TABLE users (id integer PRIMARY KEY, born date);
-- new
CREATE TABLE users (id integer PRIMARY KEY, born text);
-- rows
INSERT INTO users VALUES (1, '2024-01-01');

-- case: interval gets a field
-- old
CREATE TABLE users (id integer PRIMARY KEY, took interval);
-- new
CREATE TABLE users (id integer PRIMARY KEY, took interval day to second);
-- rows
INSERT INTO users VALUES (1, '1 day 02:00:00');

-- case: bit to bit varying
-- old
CREATE TABLE users (id integer PRIMARY KEY, flags bit(4));
-- new
CREATE TABLE users (id integer PRIMARY KEY, flags bit varying(8));
-- rows
INSERT INTO users VALUES (1, '1010');

-- case: inet to cidr
-- old
CREATE TABLE users (id integer PRIMARY KEY, net cidr);
-- new
CREATE TABLE users (id integer PRIMARY KEY, net inet);
-- rows
INSERT INTO users VALUES (1, '10.0.0.0/8');

-- case: boolean to integer
-- old
CREATE TABLE users (id integer PRIMARY KEY, active boolean DEFAULT true NOT NULL);
-- new
CREATE TABLE users (id integer PRIMARY KEY, active integer DEFAULT 1 NOT NULL);
-- rows
INSERT INTO users VALUES (1, true);
-- changes: users.active

-- case: integer to boolean
-- old
CREATE TABLE users (id integer PRIMARY KEY, active integer DEFAULT 1 NOT NULL);
-- new
CREATE TABLE users (id integer PRIMARY KEY, active boolean DEFAULT true NOT NULL);
-- rows
INSERT INTO users VALUES (1, 1);
-- changes: users.active

-- case: text to an array
-- old
CREATE TABLE users (id integer PRIMARY KEY, tags text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, tags text[]);
-- rows
INSERT INTO users VALUES (1, '{a,b}');
-- changes: users.tags

-- case: the elements of an array change their type
-- old
CREATE TABLE users (id integer PRIMARY KEY, ns integer[] DEFAULT '{}'::integer[]);
-- new
CREATE TABLE users (id integer PRIMARY KEY, ns bigint[] DEFAULT '{}'::bigint[]);
-- rows
INSERT INTO users VALUES (1, '{1,2}');

-- case: a time gets a time zone and a precision
-- old
CREATE TABLE users (id integer PRIMARY KEY, at time);
-- new
CREATE TABLE users (id integer PRIMARY KEY, at timetz(3));
-- rows
INSERT INTO users VALUES (1, '10:00');
-- changes: users.at

-- case: a column of bytes becomes text
-- old
CREATE TABLE users (id integer PRIMARY KEY, raw bytea);
-- new
CREATE TABLE users (id integer PRIMARY KEY, raw text);
-- rows
INSERT INTO users VALUES (1, '\x0102');

-- case: a default comes
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text DEFAULT 'it''s 100%');
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a default goes
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text DEFAULT 'none');
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a default becomes an expression
-- old
CREATE TABLE users (id integer PRIMARY KEY, at date DEFAULT '2024-01-01');
-- new
CREATE TABLE users (id integer PRIMARY KEY, at date DEFAULT (CURRENT_DATE + 1));
-- rows
INSERT INTO users (id) VALUES (1);

-- case: a default of an array with quotes changes
-- old
CREATE TABLE users (id integer PRIMARY KEY, tags text[] DEFAULT ARRAY['a', 'b']);
-- new
CREATE TABLE users (id integer PRIMARY KEY, tags text[] DEFAULT ARRAY['a', 'it''s', 'c,d']);
-- rows
INSERT INTO users (id) VALUES (1);

-- case: a default of gen_random_uuid comes
-- old
CREATE TABLE users (id uuid PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id uuid DEFAULT gen_random_uuid() PRIMARY KEY, n integer);
-- rows
INSERT INTO users VALUES ('6f9619ff-8b86-d011-b42d-00c04fc964ff', 1);

-- case: a default, a type and NOT NULL change at once
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer DEFAULT 5);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n text DEFAULT 'five' NOT NULL);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a collation comes
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text COLLATE "C");
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a collation changes under an index
-- old
CREATE TABLE people (id integer PRIMARY KEY, nick varchar(50) COLLATE "C");
CREATE INDEX ix_people_nick ON people (nick);
-- new
CREATE TABLE people (id integer PRIMARY KEY, nick varchar(50) COLLATE "POSIX");
CREATE INDEX ix_people_nick ON people (nick);
-- rows
INSERT INTO people VALUES (1, 'Ada');
-- alone

-- case: a collation goes with another type
-- old
CREATE TABLE folk (id integer PRIMARY KEY, nick varchar(50) COLLATE "C");
-- new
CREATE TABLE folk (id integer PRIMARY KEY, nick text);
-- rows
INSERT INTO folk VALUES (1, 'Ada');
-- alone

-- case: a stored generated column comes
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n * 2) STORED);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a stored generated column goes
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n * 2) STORED);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a stored generated column is computed otherwise
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n * 2) STORED);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n * 3) STORED);
-- rows
INSERT INTO users VALUES (1, 7);
-- changes: users.twice

-- case: a stored generated column becomes a plain one
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n * 2) STORED);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice integer);
-- rows
INSERT INTO users VALUES (1, 7);
-- loss: users.twice

-- case: a plain column becomes a generated one
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice integer);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n * 2) STORED);
-- rows
INSERT INTO users VALUES (1, 7, 14);

-- case: a generated column changes its type
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n * 2) STORED);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice bigint GENERATED ALWAYS AS (n * 2) STORED);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: the column that a generated one is computed from changes its type
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice bigint GENERATED ALWAYS AS (n * 2) STORED);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n bigint, twice bigint GENERATED ALWAYS AS (n * 2) STORED);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a virtual column comes and another goes
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, a integer GENERATED ALWAYS AS (n + 1) VIRTUAL);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, b text GENERATED ALWAYS AS (n::text) VIRTUAL);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a stored column becomes virtual
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n * 2) STORED);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n * 2) VIRTUAL);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a virtual column becomes stored
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n * 2) VIRTUAL);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n * 2) STORED);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: a virtual column changes its type
-- old
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n * 2) VIRTUAL);
-- new
CREATE TABLE users (id integer PRIMARY KEY, n integer, twice bigint GENERATED ALWAYS AS (n * 2) VIRTUAL);
-- rows
INSERT INTO users VALUES (1, 7);

-- case: storage and compression change
-- old
CREATE TABLE users (id integer PRIMARY KEY, bio text, cv text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, bio text STORAGE EXTERNAL, cv text COMPRESSION pglz);
-- rows
INSERT INTO users VALUES (1, 'long', 'longer');

-- case: storage and compression go back to the usual ones
-- old
CREATE TABLE users (id integer PRIMARY KEY, bio text STORAGE EXTERNAL, cv text COMPRESSION pglz);
-- new
CREATE TABLE users (id integer PRIMARY KEY, bio text, cv text);
-- rows
INSERT INTO users VALUES (1, 'long', 'longer');

-- case: the storage of a column that comes
-- old
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE TABLE users (id integer PRIMARY KEY, bio text STORAGE MAIN);
-- rows
INSERT INTO users VALUES (1);

-- case: the statistics target of a column changes
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- old
ALTER TABLE users ALTER COLUMN nick SET STATISTICS 100;
-- new
ALTER TABLE users ALTER COLUMN nick SET STATISTICS 500;
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: options of a column come
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text);
ALTER TABLE users ALTER COLUMN nick SET (n_distinct = 5);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: options of a column go
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
ALTER TABLE users ALTER COLUMN nick SET (n_distinct = 5);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: NOT NULL comes
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text NOT NULL);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: NOT NULL goes
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text NOT NULL);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a named NOT NULL comes
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text CONSTRAINT has_nick NOT NULL);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a NOT NULL gets a name
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text NOT NULL);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text CONSTRAINT has_nick NOT NULL);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a named NOT NULL goes
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text CONSTRAINT has_nick NOT NULL);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a NOT NULL is not valid
-- old
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text);
ALTER TABLE users ADD CONSTRAINT has_nick NOT NULL nick NOT VALID;
-- rows
INSERT INTO users VALUES (1, NULL);

-- case: a NOT NULL is validated
-- both
CREATE TABLE users (id integer PRIMARY KEY, nick text);
-- old
ALTER TABLE users ADD CONSTRAINT has_nick NOT NULL nick NOT VALID;
-- new
ALTER TABLE users ADD CONSTRAINT has_nick NOT NULL nick;
-- rows
INSERT INTO users VALUES (1, 'Ada');

-- case: a column comes that must not be NULL, where there are rows
-- old
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE TABLE users (id integer PRIMARY KEY, nick text NOT NULL);

-- case: a column becomes one of text search
-- old
CREATE TABLE users (id integer PRIMARY KEY, words text);
-- new
CREATE TABLE users (id integer PRIMARY KEY, words tsvector);
-- rows
INSERT INTO users VALUES (1, '''ada''');

-- case: geometric columns come
-- old
CREATE TABLE users (id integer PRIMARY KEY);
-- new
CREATE TABLE users (id integer PRIMARY KEY, at point, around box DEFAULT '(1,1),(0,0)', mac macaddr8, m money, n oid, v pg_lsn);
-- rows
INSERT INTO users VALUES (1);
-- loss: users.around
