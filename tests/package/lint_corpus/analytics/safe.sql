=== attach a table whose check constraint proves its range
ALTER TABLE pageviews ATTACH PARTITION pageviews_2027 FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
ALTER TABLE pageviews_2027 DROP CONSTRAINT pageviews_2027_range;
=== new empty table attached where there is no default partition
CREATE TABLE pageviews_2028 (LIKE pageviews INCLUDING ALL);
ALTER TABLE pageviews ATTACH PARTITION pageviews_2028 FOR VALUES FROM ('2028-01-01') TO ('2029-01-01');
=== new partition where there is no default partition
CREATE TABLE IF NOT EXISTS pageviews_2029 PARTITION OF pageviews FOR VALUES FROM ('2029-01-01') TO ('2030-01-01');
=== detach concurrently outside a transaction
-- atlas:txmode none

ALTER TABLE pageviews DETACH PARTITION pageviews_2024 CONCURRENTLY;
=== index of a partitioned table the slow way
-- atlas:txmode none

CREATE INDEX pageviews_path_idx ON ONLY pageviews (path);
CREATE INDEX CONCURRENTLY pageviews_2024_path_idx ON pageviews_2024 (path);
CREATE INDEX CONCURRENTLY pageviews_2025_path_idx ON pageviews_2025 (path);
ALTER INDEX pageviews_path_idx ATTACH PARTITION pageviews_2024_path_idx;
ALTER INDEX pageviews_path_idx ATTACH PARTITION pageviews_2025_path_idx;
=== refresh concurrently
REFRESH MATERIALIZED VIEW CONCURRENTLY daily_stats;
=== new materialized view with its index, nothing filled yet
CREATE MATERIALIZED VIEW device_stats AS
    SELECT device, count(*) AS n FROM sessions GROUP BY 1
    WITH NO DATA;
CREATE UNIQUE INDEX device_stats_uidx ON device_stats (device);
=== replace a function that no index uses
CREATE OR REPLACE FUNCTION top_kinds(lim integer) RETURNS TABLE (kind text, n bigint)
LANGUAGE sql STABLE AS $$ SELECT e.kind, count(*) FROM events e WHERE e.kind <> 'ping' GROUP BY 1 ORDER BY 2 DESC LIMIT lim $$;
=== function that would drop partitions, not called
create function drop_partition(p regclass) returns void language plpgsql as $f$
begin
    execute 'drop table ' || p;   -- only the nightly job calls this
end
$f$;
=== statistics and storage settings
CREATE STATISTICS sessions_cd (dependencies) ON country, device FROM sessions;
ALTER TABLE sessions SET (fillfactor = 90);
ALTER TABLE events ALTER COLUMN payload SET COMPRESSION pglz;
ALTER TABLE sessions ALTER COLUMN country SET STATISTICS 1000;
=== nullable columns on the partitioned table in one statement
ALTER TABLE events
    ADD COLUMN referrer text,
    ADD COLUMN utm jsonb,
    ADD COLUMN score real DEFAULT 0;
=== NOT NULL constraint NOT VALID
ALTER TABLE sessions ADD CONSTRAINT sessions_device_nn NOT NULL device NOT VALID;
=== numeric made unconstrained, with the default of another column
ALTER TABLE events ALTER COLUMN amount TYPE numeric;
ALTER TABLE visitors ALTER COLUMN campaign SET DEFAULT 'direct';
=== DO block that only reports
DO $$
DECLARE n bigint;
BEGIN
    SELECT count(*) INTO n FROM pg_inherits WHERE inhparent = 'events'::regclass;
    RAISE NOTICE 'events has % parts; run DROP TABLE by hand', n;
END $$;
=== vacuum and analyze outside a transaction
-- atlas:txmode none

VACUUM (ANALYZE) sessions;
ANALYZE visitors;
=== swap of a stage table that is made here
CREATE UNLOGGED TABLE staging_campaigns (code text, spend numeric);
INSERT INTO staging_campaigns VALUES ('spring', 100), ('summer', 250);
CREATE TABLE campaigns AS SELECT code, spend FROM staging_campaigns;
ALTER TABLE campaigns ADD PRIMARY KEY (code);
DROP TABLE staging_campaigns;
=== column comment with a dollar quoted text about dropping
COMMENT ON TABLE events IS $txt$Use DETACH PARTITION ... CONCURRENTLY; never DROP TABLE events_2024_q1; --$txt$;
