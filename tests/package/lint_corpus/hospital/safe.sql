=== a table made here is changed at will
CREATE TABLE clinical.devices (id integer PRIMARY KEY, serial_no text);
ALTER TABLE clinical.devices ADD COLUMN kind text NOT NULL;
CREATE INDEX devices_kind ON clinical.devices (kind);
ALTER TABLE clinical.devices ALTER COLUMN serial_no SET NOT NULL;
ALTER TABLE clinical.devices ADD CONSTRAINT devices_serial UNIQUE (serial_no);
=== a name grows
ALTER TABLE clinical.wards ALTER COLUMN name TYPE varchar(200);
=== a bounded name becomes text
ALTER TABLE clinical.wards ALTER COLUMN name TYPE text;
=== more digits before the point
ALTER TABLE clinical.patients ALTER COLUMN fee TYPE numeric(12, 2);
=== a check that only new rows have to meet
ALTER TABLE clinical.stays ADD CONSTRAINT has_bed CHECK (NOT isempty(bed)) NOT VALID;
=== SET NOT NULL proven by a valid check
ALTER TABLE clinical.patients ALTER COLUMN height_cm SET NOT NULL;
=== the check is dropped once NOT NULL says the same
ALTER TABLE clinical.patients ALTER COLUMN height_cm SET NOT NULL;
ALTER TABLE clinical.patients DROP CONSTRAINT height_known;
=== a foreign key that is not validated yet
ALTER TABLE clinical.readings_2023 ADD CONSTRAINT known FOREIGN KEY (patient_id)
    REFERENCES clinical.patients (id) NOT VALID;
=== a constraint of an earlier migration is validated
ALTER TABLE clinical.patients VALIDATE CONSTRAINT seen_known;
=== an index without a lock
-- atlas:txmode none

CREATE INDEX CONCURRENTLY patients_by_name ON clinical.patients (family_name);
=== an index goes without a lock
-- atlas:txmode none

DROP INDEX CONCURRENTLY clinical.patients_by_ward;
=== a partition is attached with a check that proves its rows, and no default partition
CREATE TABLE clinical.alarms_fall (
    kind text NOT NULL CHECK (kind = 'fall'), patient_id bigint NOT NULL, at timestamptz NOT NULL
);
ALTER TABLE clinical.alarms ATTACH PARTITION clinical.alarms_fall FOR VALUES IN ('fall');
=== a new partition where there is no default one
CREATE TABLE clinical.alarms_door PARTITION OF clinical.alarms FOR VALUES IN ('door');
=== a partition is detached without a lock
-- atlas:txmode none

ALTER TABLE clinical.alarms DETACH PARTITION clinical.alarms_pulse CONCURRENTLY;
=== a column with a constant default
ALTER TABLE clinical.patients ADD COLUMN allergic boolean NOT NULL DEFAULT false;
=== a column with a default that is stable for the statement
ALTER TABLE clinical.patients ADD COLUMN registered timestamptz NOT NULL DEFAULT now();
=== a virtual column
ALTER TABLE clinical.patients ADD COLUMN kilos numeric GENERATED ALWAYS AS (weight_g / 1000.0) VIRTUAL;
=== words of hazards in comments and texts
-- DROP TABLE clinical.patients; DELETE FROM clinical.stays;
/* TRUNCATE clinical.patients; /* nested: CREATE INDEX x ON y (z) */ */
COMMENT ON TABLE clinical.patients IS 'never DROP TABLE; use /* -- ';
COMMENT ON COLUMN clinical.patients.notes IS $x$ALTER TABLE wards DROP COLUMN name;$x$;
=== a function whose text has the words
CREATE FUNCTION clinical.forget(p bigint) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    DELETE FROM clinical.patients WHERE id = p;
    EXECUTE 'DROP TABLE IF EXISTS pg_temp.scratch';
END
$body$;
REVOKE ALL ON FUNCTION clinical.forget(bigint) FROM PUBLIC;
=== a new domain and a new enum, used by a new table
CREATE DOMAIN clinical.grams AS integer CHECK (VALUE > 0);
CREATE TYPE clinical.blood AS ENUM ('a', 'b', 'ab', '0');
ALTER TYPE clinical.blood ADD VALUE 'unknown';
CREATE TABLE clinical.donors (id integer PRIMARY KEY, weight clinical.grams NOT NULL, kind clinical.blood);
=== an enum value at the end, used by nobody here
ALTER TYPE clinical.triage ADD VALUE IF NOT EXISTS 'blue' AFTER 'green';
=== a domain is widened
ALTER DOMAIN clinical.pulse DROP CONSTRAINT pulse_check;
ALTER DOMAIN clinical.pulse ADD CONSTRAINT pulse_check CHECK (VALUE BETWEEN 0 AND 900) NOT VALID;
=== row security for a table made here
CREATE TABLE clinical.consents (id integer PRIMARY KEY, ward_id integer NOT NULL);
ALTER TABLE clinical.consents ENABLE ROW LEVEL SECURITY;
CREATE POLICY ward_only ON clinical.consents TO ward_app
    USING (ward_id = current_setting('app.ward', true)::integer);
GRANT SELECT ON clinical.consents TO ward_app;
=== a policy that narrows
CREATE POLICY adults ON clinical.patients AS RESTRICTIVE FOR DELETE TO auditor
    USING (born < '2000-01-01');
=== more rights for a named role
GRANT SELECT (id, name) ON clinical.wards TO auditor;
=== a view gets a column more
CREATE OR REPLACE VIEW clinical.census AS
    SELECT ward_id, count(*) AS occupied, min(born) AS eldest FROM clinical.patients GROUP BY ward_id;
=== a materialized view filled without a lock
REFRESH MATERIALIZED VIEW CONCURRENTLY clinical.daily;
=== a materialized view made here
CREATE MATERIALIZED VIEW clinical.weekly AS
    SELECT date_trunc('week', taken_at) AS week, count(*) AS n FROM clinical.readings GROUP BY 1 WITH NO DATA;
CREATE UNIQUE INDEX weekly_week ON clinical.weekly (week);
REFRESH MATERIALIZED VIEW clinical.weekly;
=== a few rows of a table are put right
UPDATE clinical.wards SET phone = '0815' WHERE id = 1;
=== reference rows
INSERT INTO clinical.wards (id, name, floor) VALUES (3, 'Radiology', 0)
    ON CONFLICT (id) DO NOTHING;
=== a function is replaced by one that gives the same
CREATE OR REPLACE FUNCTION clinical.age(born date) RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE
    RETURN date_part('year', age(born))::integer;
=== a block that only looks
DO $$
BEGIN
    IF (SELECT count(*) FROM clinical.wards) > 1000 THEN
        RAISE EXCEPTION 'too many wards';
    END IF;
END
$$;
=== a temporary table comes and goes
CREATE TEMPORARY TABLE seen (id bigint);
INSERT INTO seen SELECT id FROM clinical.wards;
TRUNCATE seen;
DROP TABLE seen;
=== quoted and 63 byte names
CREATE TABLE clinical."DROP TABLE patients" ("select" integer PRIMARY KEY, "naïve; --" text);
CREATE INDEX "an index whose name has sixty three bytes, no more and no fewer" ON clinical."DROP TABLE patients" ("naïve; --");
ALTER TABLE clinical."DROP TABLE patients" DROP COLUMN "naïve; --";
=== names found by a search path of this transaction
SET LOCAL search_path = clinical, pg_catalog;
ALTER TABLE wards ADD COLUMN wing text;
CREATE TABLE shifts (id integer PRIMARY KEY, ward_id integer NOT NULL REFERENCES wards (id));
=== statistics and autovacuum
ALTER TABLE clinical.patients ALTER COLUMN family_name SET STATISTICS 500;
ALTER TABLE clinical.patients SET (autovacuum_vacuum_scale_factor = 0.02);
CREATE STATISTICS clinical.ward_level ON ward_id, level FROM clinical.patients;
=== a default for rows to come
ALTER TABLE clinical.patients ALTER COLUMN notes SET DEFAULT '';
=== ANALYZE after a load
ANALYZE clinical.patients;
=== only what is missing
CREATE SCHEMA IF NOT EXISTS clinical;
CREATE TABLE IF NOT EXISTS clinical.rooms (id integer PRIMARY KEY);
ALTER TABLE clinical.rooms ADD COLUMN IF NOT EXISTS label text;
=== a policy is renamed
ALTER POLICY ward_only ON clinical.patients RENAME TO own_ward;
=== an index on the parent only
CREATE INDEX readings_device ON ONLY clinical.readings (device);
=== an index of a partition, concurrently
-- atlas:txmode none

CREATE INDEX CONCURRENTLY readings_2024_device ON clinical.readings_2024 (device);
=== renamed for a moment
ALTER TABLE clinical.wards RENAME TO wards_tmp;
ALTER TABLE clinical.wards_tmp RENAME TO wards;
=== a trigger in place of itself
DROP TRIGGER stamp_seen ON clinical.patients;
CREATE TRIGGER stamp_seen BEFORE UPDATE ON clinical.patients
    FOR EACH ROW EXECUTE FUNCTION clinical.stamp();
=== a partitioned table of its own
CREATE TABLE clinical.doses (id bigint NOT NULL, at date NOT NULL, ml numeric) PARTITION BY RANGE (at);
CREATE TABLE clinical.doses_2025 PARTITION OF clinical.doses FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE clinical.doses_rest PARTITION OF clinical.doses DEFAULT;
CREATE INDEX doses_at ON clinical.doses (at);
ALTER TABLE clinical.doses ADD PRIMARY KEY (id, at);
ALTER TABLE clinical.doses DETACH PARTITION clinical.doses_2025;
DROP TABLE clinical.doses_2025;
=== a domain's default and the name of its check
ALTER DOMAIN clinical.mrn SET DEFAULT 'ZZ000000';
ALTER DOMAIN clinical.mrn RENAME CONSTRAINT mrn_form TO mrn_shape;
=== a sequence gets wider
ALTER SEQUENCE clinical.bracelet_seq AS bigint MAXVALUE 99999999 CACHE 20;
=== a child of its own
CREATE TABLE clinical.nurses (shift text NOT NULL) INHERITS (clinical.staff);
ALTER TABLE clinical.nurses ADD COLUMN grade integer NOT NULL;
ALTER TABLE clinical.nurses NO INHERIT clinical.staff;
=== a generated column where nothing is stored yet
CREATE TABLE clinical.meals (id integer PRIMARY KEY, kcal integer NOT NULL);
ALTER TABLE clinical.meals ADD COLUMN kj numeric GENERATED ALWAYS AS (kcal * 4.184) STORED;
=== a block that updates one row
DO $$
DECLARE w integer := 1;
BEGIN
    UPDATE clinical.wards SET floor = 4 WHERE id = w;
END $$;
=== a lock that disturbs nobody
LOCK TABLE clinical.wards IN ACCESS SHARE MODE;
SELECT count(*) FROM clinical.wards;
=== a unique index on a new column
-- atlas:txmode none

CREATE UNIQUE INDEX CONCURRENTLY stays_id_patient ON clinical.stays (id, patient_id);
=== a view over a table without row security
CREATE VIEW clinical.floors AS SELECT DISTINCT floor FROM clinical.wards;
GRANT SELECT ON clinical.floors TO auditor;
=== a foreign table beside
CREATE FOREIGN TABLE clinical.old_bills (id bigint, total numeric) SERVER tape;
ALTER FOREIGN TABLE clinical.old_bills ADD COLUMN paid boolean;
=== a partition with a check that proves its rows
CREATE TABLE clinical.alarms_fire (kind text NOT NULL, patient_id bigint NOT NULL, at timestamptz NOT NULL);
ALTER TABLE clinical.alarms_fire ADD CONSTRAINT fire CHECK (kind = 'fire');
INSERT INTO clinical.alarms_fire VALUES ('fire', 1, now());
ALTER TABLE clinical.alarms ATTACH PARTITION clinical.alarms_fire FOR VALUES IN ('fire');
