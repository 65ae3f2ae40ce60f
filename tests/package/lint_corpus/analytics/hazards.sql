=== drop an old partition
drop table if exists events_2024_q1; --! destructive
=== truncate a partition
TRUNCATE ONLY events_2024_q2; --! destructive
=== old partitions dropped in a loop
DO $$
DECLARE
    p regclass;
BEGIN
    FOR p IN SELECT inhrelid::regclass FROM pg_inherits
             WHERE inhparent = 'events'::regclass AND inhrelid::regclass::text LIKE 'events_2024%'
    LOOP
        EXECUTE 'DROP TABLE ' || p; --! destructive
    END LOOP;
END $$;
=== table swap by copy, drop and rename
CREATE TABLE visitors_new (LIKE visitors INCLUDING ALL);
INSERT INTO visitors_new SELECT * FROM visitors;
DROP TABLE visitors; --! destructive
ALTER TABLE visitors_new RENAME TO visitors;
=== a function that truncates is called
SELECT reset_staging(); --! destructive
=== a function that truncates is made and called in the same file
CREATE FUNCTION pg_temp.clean() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE TABLE hourly_rollup;
END $$;
SELECT pg_temp.clean(); --! destructive
=== drop a column of the partitioned table with its parts
ALTER TABLE "public"."events" DROP COLUMN "url", ADD COLUMN "urlHash" bytea; --! destructive
=== update that empties a column
UPDATE sessions SET country = NULL; --! destructive
=== detach a partition, blocking
ALTER TABLE events DETACH PARTITION events_2024_q1; --! lock
=== attach a table that carries no proof of its range
ALTER TABLE pageviews ATTACH PARTITION pageviews_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); --! lock data-dependent
=== new partition while a default partition holds rows
CREATE TABLE events_2024_q4 PARTITION OF events FOR VALUES FROM ('2024-10-01') TO ('2025-01-01'); --! lock data-dependent
=== refresh that blocks readers
refresh materialized view daily_stats; --! lock
=== cluster a table
CLUSTER sessions USING sessions_visitor_idx; --! lock
=== another expression for a stored generated column
ALTER TABLE sessions ALTER COLUMN seconds SET EXPRESSION AS (greatest(0, extract(epoch FROM ended_at - started_at))); --! lock
=== primary key column to bigint
ALTER TABLE sessions ALTER COLUMN id TYPE bigint; --! lock
=== unlogged table made logged
ALTER TABLE staging_events SET LOGGED; --! lock
=== text to jsonb on the partitioned table
alter table events
    alter column payload type jsonb using payload::jsonb; --! lock data-dependent
=== new column with clock_timestamp()
ALTER TABLE visitors ADD COLUMN seen_at timestamptz DEFAULT clock_timestamp(); --! lock
=== numeric with less scale
ALTER TABLE events ALTER COLUMN amount TYPE numeric(8,2); --! data-dependent lock
=== primary key added to a table that may hold duplicates
ALTER TABLE pageviews ADD PRIMARY KEY (session_id, viewed_at); --! data-dependent lock
=== required column on a partitioned table
ALTER TABLE events ADD COLUMN source text NOT NULL; --! data-dependent backward-incompatible
=== detach concurrently in a transaction
ALTER TABLE events DETACH PARTITION events_2024_q1 CONCURRENTLY; --! transaction
=== reindex concurrently in a transaction
REINDEX TABLE CONCURRENTLY sessions; --! transaction
=== check added NOT VALID and validated, same transaction, after other work
alter table visitors add constraint score_range check (score between 0 and 1000) not valid;
create table campaigns (code text primary key);
alter table visitors validate constraint score_range; --! transaction
=== index on the partitioned parent, blocking
CREATE INDEX events_kind_idx ON events (kind, occurred_at); --! concurrent-index
=== index concurrently on a partitioned parent is refused
-- atlas:txmode none

CREATE INDEX CONCURRENTLY events_kind_idx ON events (kind); --! concurrent-index
=== index dropped well and rebuilt badly
-- atlas:txmode none

DROP INDEX CONCURRENTLY IF EXISTS sessions_visitor_idx;
CREATE INDEX sessions_visitor_idx ON sessions (visitor_id, started_at); --! concurrent-index
=== index on a materialized view
create index daily_stats_kind on daily_stats (kind); --! concurrent-index
=== reindex of a whole table
REINDEX TABLE public.sessions; --! concurrent-index
=== an immutable function that an index uses gets another result
CREATE OR REPLACE FUNCTION event_bucket(ts timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE --! stale
AS $$ SELECT floor(extract(epoch FROM ts) / 900)::bigint $$;
=== a column renamed under a trigger function
ALTER TABLE hourly_rollup RENAME COLUMN n TO hits; --! backward-incompatible stale
=== a table dropped under a trigger function
DROP TABLE hourly_rollup; --! destructive stale
=== an events column renamed under a trigger function that reads NEW
alter table events rename kind to event_type; --! backward-incompatible stale
=== function dropped and made again with other result columns
DROP FUNCTION top_kinds(integer); --! backward-incompatible
CREATE FUNCTION top_kinds(lim integer) RETURNS TABLE (event_kind text, share numeric)
LANGUAGE sql STABLE AS $$
    SELECT e.kind, count(*) / sum(count(*)) OVER () FROM events e GROUP BY 1 ORDER BY 2 DESC LIMIT lim
$$;
=== materialized view renamed
ALTER MATERIALIZED VIEW daily_stats RENAME TO stats_by_day; --! backward-incompatible
=== materialized view dropped and rebuilt in one transaction
DROP MATERIALIZED VIEW visitor_stats; --! backward-incompatible
CREATE MATERIALIZED VIEW visitor_stats AS
    SELECT visitor_id, count(*) AS visits FROM sessions GROUP BY 1;
=== column of a view renamed
ALTER VIEW visits_by_country RENAME COLUMN n TO visits; --! backward-incompatible
=== the trigger that keeps the rollup is dropped
DROP TRIGGER IF EXISTS events_rollup ON events; --! stale
=== new trigger and its function
CREATE FUNCTION touch_visitor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE visitors SET score = score + 1 WHERE id = NEW.visitor_id;
    RETURN NULL;
END $$;
CREATE TRIGGER sessions_touch AFTER INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION touch_visitor(); --! lock
