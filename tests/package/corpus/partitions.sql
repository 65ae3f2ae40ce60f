-- case: a partition comes
-- both
CREATE TABLE events (id integer, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- new
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
-- by hand
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
-- rows
INSERT INTO events VALUES (1, '2024-02-01');

-- case: a partition is detached
-- both
CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);
-- old
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- new
CREATE TABLE events_1 (id integer, at date);
-- by hand
ALTER TABLE events DETACH PARTITION events_1;
-- rows
INSERT INTO events VALUES (1, '2024-02-01');
-- changes: events

-- case: a partition is attached
-- both
CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);
-- old
CREATE TABLE events_1 (id integer, at date);
-- new
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- by hand
ALTER TABLE events ATTACH PARTITION events_1 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- rows
INSERT INTO events_1 VALUES (1, '2024-02-01');
-- changes: events

-- case: a partition changes its bounds
-- both
CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);
-- old
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- new
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2026-01-01');
-- by hand
ALTER TABLE events DETACH PARTITION events_1;
ALTER TABLE events ATTACH PARTITION events_1 FOR VALUES FROM ('2024-01-01') TO ('2026-01-01');
-- rows
INSERT INTO events VALUES (1, '2024-02-01');

-- case: a default partition comes
-- both
CREATE TABLE events (id integer, kind text) PARTITION BY LIST (kind);
CREATE TABLE events_a PARTITION OF events FOR VALUES IN ('a', 'b');
-- new
CREATE TABLE events_rest PARTITION OF events DEFAULT;
-- by hand
CREATE TABLE events_rest PARTITION OF events DEFAULT;
-- rows
INSERT INTO events VALUES (1, 'a');

-- case: a partition goes
-- both
CREATE TABLE events (id integer, kind text) PARTITION BY LIST (kind);
CREATE TABLE events_rest PARTITION OF events DEFAULT;
-- old
CREATE TABLE events_a PARTITION OF events FOR VALUES IN ('a', 'b');
-- new
-- by hand
DROP TABLE events_a;
-- rows
INSERT INTO events VALUES (1, 'a');
-- changes for good: events, events_a

-- case: partitions are partitioned
-- both
CREATE TABLE events (id integer, at date, n integer) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY HASH (n);
CREATE TABLE events_1_0 PARTITION OF events_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
-- new
CREATE TABLE events_1_1 PARTITION OF events_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
-- by hand
CREATE TABLE events_1_1 PARTITION OF events_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);

-- case: a partitioned table gets a column
-- both
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- old
CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);
-- new
CREATE TABLE events (id integer, at date, what text DEFAULT 'x') PARTITION BY RANGE (at);
-- rows
INSERT INTO events VALUES (1, '2024-02-01');
-- loss: events.what

-- case: a column of a partitioned table changes its type
-- both
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- old
CREATE TABLE events (id integer, at date, n integer) PARTITION BY RANGE (at);
-- new
CREATE TABLE events (id integer, at date, n bigint NOT NULL) PARTITION BY RANGE (at);
-- rows
INSERT INTO events VALUES (1, '2024-02-01', 7);

-- case: a column of a partitioned table goes
-- both
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- old
CREATE TABLE events (id integer, at date, n integer) PARTITION BY RANGE (at);
-- new
CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);
-- rows
INSERT INTO events VALUES (1, '2024-02-01', 7);

-- case: an index of a partitioned table comes
-- both
CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- new
CREATE INDEX ix_events ON events (id);
-- rows
INSERT INTO events VALUES (1, '2024-02-01');

-- case: an index of a partitioned table changes
-- both
CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- old
CREATE INDEX ix_events ON events (id);
-- new
CREATE INDEX ix_events ON events (id, at);
-- rows
INSERT INTO events VALUES (1, '2024-02-01');

-- case: an index of a partition alone comes by hand
-- both
CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- new
CREATE INDEX ix_of_one ON public.events_1 (id);
-- by hand
CREATE INDEX ix_of_one ON public.events_1 (id);
-- rows
INSERT INTO events VALUES (1, '2024-02-01');

-- case: a primary key of a partitioned table comes
-- both
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- old
CREATE TABLE events (id integer NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
-- new
CREATE TABLE events (id integer NOT NULL, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
-- rows
INSERT INTO events VALUES (1, '2024-02-01');

-- case: a check and a foreign key of a partitioned table come
-- both
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- old
CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);
-- new
CREATE TABLE events (id integer REFERENCES users (id), at date, CONSTRAINT positive CHECK (id > 0)) PARTITION BY RANGE (at);
-- rows
INSERT INTO users VALUES (1); INSERT INTO events VALUES (1, '2024-02-01');

-- case: a foreign key refers to a partitioned table
-- both
CREATE TABLE events (id integer, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- old
CREATE TABLE notes (id integer PRIMARY KEY, event_id integer, at date);
-- new
CREATE TABLE notes (id integer PRIMARY KEY, event_id integer, at date, FOREIGN KEY (event_id, at) REFERENCES events (id, at));
-- rows
INSERT INTO events VALUES (1, '2024-02-01'); INSERT INTO notes VALUES (1, 1, '2024-02-01');

-- case: a plain table becomes partitioned
-- old
CREATE TABLE events (id integer, at date);
-- new
CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);
-- rows
INSERT INTO events VALUES (1, '2024-02-01');
-- refused: TABLE public.events

-- case: a partitioned table changes its key
-- old
CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);
-- new
CREATE TABLE events (id integer, at date) PARTITION BY HASH (id);
-- refused: TABLE public.events

-- case: a partitioned identity column comes
-- both
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- old
CREATE TABLE events (id integer NOT NULL, at date) PARTITION BY RANGE (at);
-- new
CREATE TABLE events (id integer GENERATED BY DEFAULT AS IDENTITY, at date) PARTITION BY RANGE (at);
-- rows
INSERT INTO events VALUES (1, '2024-02-01');
