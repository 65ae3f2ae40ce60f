=== the archive of a year goes with its partition
DROP TABLE clinical.readings_2024; --! destructive: every reading of 2024 is lost
=== a detached partition, then dropped
ALTER TABLE clinical.readings DETACH PARTITION clinical.readings_2024; --! lock: DETACH takes ACCESS EXCLUSIVE on the parent, whose readers and writers wait
DROP TABLE clinical.readings_2024; --! destructive: its rows are lost
=== a partition is attached without a check that proves its rows
ALTER TABLE clinical.readings ATTACH PARTITION clinical.readings_2023 --! lock: all of readings_2023, and the default partition, are scanned under ACCESS EXCLUSIVE
    FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
=== a new partition beside a default one
CREATE TABLE clinical.readings_2026 PARTITION OF clinical.readings --! lock: the default partition is locked ACCESS EXCLUSIVE and scanned
    FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
=== an index on a partitioned table
CREATE INDEX readings_by_device ON clinical.readings (device); --! concurrent-index: writes to every partition wait until the index is built
=== a unique key for a partitioned table
ALTER TABLE clinical.readings ADD CONSTRAINT one_per_device UNIQUE (taken_at, device); --! concurrent-index: builds one index a partition under ACCESS EXCLUSIVE
=== a domain is narrowed
ALTER DOMAIN clinical.pulse ADD CONSTRAINT alive CHECK (VALUE <= 300); --! data-dependent: fails where a pulse above 300 is stored, and scans each table that uses it
=== a domain stops taking null
ALTER DOMAIN clinical.pulse SET NOT NULL; --! data-dependent: fails where a column of that domain has a null
=== a domain's unproven check is validated with its addition
ALTER DOMAIN clinical.mrn ADD CONSTRAINT ascii CHECK (octet_length(VALUE) = 8) NOT VALID;
ALTER DOMAIN clinical.mrn VALIDATE CONSTRAINT ascii; --! lock: SHARE lock on patients while every row is read; added and validated in one transaction
=== row security is made to bind the owner too
ALTER TABLE clinical.patients FORCE ROW LEVEL SECURITY; --! security: the service that owns the table sees and changes no row any more but what policies let it
=== row security off
ALTER TABLE clinical.patients DISABLE ROW LEVEL SECURITY; --! security: every ward sees every patient
=== row security without a policy
ALTER TABLE clinical.stays ENABLE ROW LEVEL SECURITY; --! security: programs that do not own stays read nothing, without an error
=== the only policy goes
DROP POLICY ward_only ON clinical.patients; --! security: ward_app sees no patient at all
=== a policy lets everything through
ALTER POLICY ward_only ON clinical.patients USING (true); --! security: each ward sees the patients of all others
=== a permissive policy beside a narrow one
CREATE POLICY everyone ON clinical.patients FOR SELECT TO ward_app USING (true); --! security: policies are joined by OR, so that ward_app sees all
=== a policy for everybody
ALTER POLICY ward_only ON clinical.patients TO PUBLIC; --! security: a policy without TO is for PUBLIC
=== patients for everyone
GRANT SELECT ON clinical.patients TO PUBLIC; --! security: any role reads names of patients
=== rights of the service are taken
REVOKE INSERT ON clinical.stays FROM ward_app; --! backward-incompatible: the running service may not write stays any more
=== the schema is closed
REVOKE USAGE ON SCHEMA clinical FROM ward_app; --! backward-incompatible: nothing in it can be reached by the service
=== an exclusion constraint
ALTER TABLE clinical.stays ADD CONSTRAINT one_stay EXCLUDE USING gist (during WITH &&); --! lock: no NOT VALID for it: the index is built under ACCESS EXCLUSIVE, and overlaps fail it
=== an exclusion constraint is dropped
ALTER TABLE clinical.stays DROP CONSTRAINT one_per_bed; --! destructive: beds may be given twice from now on, and it cannot come back when that happened
=== a stored generated column
ALTER TABLE clinical.patients ADD COLUMN initials text --! lock: the table is rewritten under ACCESS EXCLUSIVE
    GENERATED ALWAYS AS (left(family_name, 1)) STORED;
=== a generated column has another expression
ALTER TABLE clinical.patients ALTER COLUMN label SET EXPRESSION AS (upper(family_name)); --! lock: the table is rewritten, and label changes under programs that read it
=== a generated column becomes a plain one
ALTER TABLE clinical.patients ALTER COLUMN label DROP EXPRESSION; --! backward-incompatible: programs that do not fill it leave it null from now on
=== a virtual column has another expression
ALTER TABLE clinical.scores ALTER COLUMN total SET EXPRESSION AS (eyes * speech); --! backward-incompatible: programs read another value than before
=== a time without zone gets one
ALTER TABLE clinical.patients ALTER COLUMN seen_at TYPE timestamptz; --! lock: rewritten in the session's time zone, other values where that is not UTC
=== a length is cut
ALTER TABLE clinical.wards ALTER COLUMN name TYPE varchar(20); --! data-dependent: fails for longer names
=== text cut on purpose
ALTER TABLE clinical.patients ALTER COLUMN notes TYPE varchar(20) USING left(notes, 20); --! destructive: what is beyond 20 characters is lost
=== money with fewer digits
ALTER TABLE clinical.patients ALTER COLUMN fee TYPE numeric(6, 0); --! data-dependent: cents are rounded away, and large fees fail
=== SET NOT NULL with a check on another column
ALTER TABLE clinical.patients ALTER COLUMN born SET NOT NULL; --! data-dependent: the check that is there proves height_cm, not born
=== SET NOT NULL by a check that was never validated
ALTER TABLE clinical.patients ALTER COLUMN seen_at SET NOT NULL; --! data-dependent: seen_known is NOT VALID, so that the whole table is scanned and may fail
=== the child of inheritance loses a column through its parent
ALTER TABLE clinical.staff DROP COLUMN pager; --! destructive: pager is lost in staff and doctors
=== an inherited column renamed
ALTER TABLE clinical.staff RENAME COLUMN email TO mail; --! backward-incompatible: programs that read email of staff or doctors fail
=== a table leaves its parent
ALTER TABLE clinical.doctors NO INHERIT clinical.staff; --! backward-incompatible: those who read staff miss all doctors
=== a table with inherited children is made not null
ALTER TABLE clinical.staff ALTER COLUMN email SET NOT NULL; --! data-dependent: scans staff and doctors, fails where an email is missing
=== a materialized view read while it is filled
REFRESH MATERIALIZED VIEW clinical.daily; --! lock: readers wait until it is filled
=== a materialized view is emptied
REFRESH MATERIALIZED VIEW clinical.daily WITH NO DATA; --! backward-incompatible: every read of it fails until it is refreshed
=== an index on a materialized view
CREATE INDEX daily_n ON clinical.daily (n); --! concurrent-index: a refresh waits meanwhile
=== a view loses a column
DROP VIEW clinical.census; --! backward-incompatible: programs that read occupied fail
CREATE VIEW clinical.census AS SELECT ward_id FROM clinical.patients GROUP BY ward_id;
=== a view is made again and loses who may read it
DROP VIEW clinical.census; --! backward-incompatible: auditor has no right to the new view
CREATE VIEW clinical.census AS
    SELECT ward_id, count(*) AS occupied FROM clinical.patients GROUP BY ward_id;
=== a foreign table goes
DROP FOREIGN TABLE clinical.old_charts; --! backward-incompatible: those who read old charts fail
=== a foreign server goes with all that hangs on it
DROP SERVER tape CASCADE; --! destructive: CASCADE takes old_charts, which is not named
=== a schema goes
DROP SCHEMA clinical CASCADE; --! destructive: everything in it
=== a type goes with the columns that use it
DROP TYPE clinical.triage CASCADE; --! destructive: patients.level is lost by CASCADE
=== an enum value is renamed
ALTER TYPE clinical.triage RENAME VALUE 'orange' TO 'yellow'; --! backward-incompatible: programs that write 'orange' fail
=== an enum value used in the transaction that adds it
ALTER TYPE clinical.triage ADD VALUE 'blue';
UPDATE clinical.patients SET level = 'blue' WHERE id = 1; --! transaction: a new value must be committed before it is used
=== an index is rebuilt in place
REINDEX TABLE clinical.patients; --! concurrent-index: REINDEX blocks writes and reads by that index
=== an index dropped in front of readers
DROP INDEX clinical.patients_by_ward; --! concurrent-index: DROP INDEX takes ACCESS EXCLUSIVE on its table
=== a concurrent index in a transaction
CREATE INDEX CONCURRENTLY patients_by_name ON clinical.patients (family_name); --! transaction: CREATE INDEX CONCURRENTLY cannot run inside a transaction block
=== an immutable function below an index says something else
CREATE OR REPLACE FUNCTION clinical.shout(t text) RETURNS text LANGUAGE sql IMMUTABLE RETURN lower(t); --! data-dependent: the index keeps the old values, and queries by it give wrong rows
=== a function gets another name of its argument's type
DROP FUNCTION clinical.age(date); --! backward-incompatible: callers of age(date) fail
CREATE FUNCTION clinical.age(born timestamptz) RETURNS integer LANGUAGE sql STABLE
    RETURN extract(year FROM age(born))::integer;
=== rows are deleted without a filter
DELETE FROM clinical.stays; --! destructive: every stay is lost
=== TRUNCATE through foreign keys
TRUNCATE clinical.patients CASCADE; --! destructive: stays go too, by CASCADE
=== all rows in one UPDATE
UPDATE clinical.patients SET notes = coalesce(notes, ''); --! lock: locks every row of patients until the end, and writes each anew
=== a delete in a DO block
DO $$
BEGIN
    DELETE FROM clinical.readings WHERE taken_at < now() - interval '1 year'; --! destructive: inside of the block
END
$$;
=== DDL by EXECUTE
DO $$ --! destructive: the column's name is put together in a block
DECLARE c text;
BEGIN
    FOREACH c IN ARRAY ARRAY['not' || 'es', 'given_name'] LOOP
        IF c = 'notes' THEN
            EXECUTE format('ALTER TABLE clinical.patients DROP COLUMN %I', c);
        END IF;
    END LOOP;
END
$$;
=== a foreign key that is validated at once
ALTER TABLE clinical.readings_2023 ADD CONSTRAINT known FOREIGN KEY (patient_id) --! lock: both tables refuse writes while all stays are looked up
    REFERENCES clinical.patients (id);
=== a foreign key from a partitioned table
ALTER TABLE clinical.readings ADD CONSTRAINT known FOREIGN KEY (patient_id) --! lock: every partition is read while patients takes no writes
    REFERENCES clinical.patients (id);
=== a foreign key in a new column of an old table
ALTER TABLE clinical.stays ADD COLUMN ward_id integer NOT NULL DEFAULT 1 REFERENCES clinical.wards (id); --! lock: ADD COLUMN ... REFERENCES with a default has to look at every row
=== a foreign key deletes from now on
ALTER TABLE clinical.patients DROP CONSTRAINT patients_ward_id_fkey;
ALTER TABLE clinical.patients ADD CONSTRAINT patients_ward_id_fkey FOREIGN KEY (ward_id) --! destructive: whoever deletes a ward deletes its patients
    REFERENCES clinical.wards (id) ON DELETE CASCADE NOT VALID;
=== not valid and validated in one transaction
ALTER TABLE clinical.stays ADD CONSTRAINT has_bed CHECK (NOT isempty(bed)) NOT VALID;
ALTER TABLE clinical.stays VALIDATE CONSTRAINT has_bed; --! transaction: the strong lock of the first statement is held while the second scans
=== a table moves to another schema
ALTER TABLE clinical.wards SET SCHEMA public; --! backward-incompatible: clinical.wards is not found
=== a table becomes unlogged
ALTER TABLE clinical.stays SET UNLOGGED; --! destructive: rewritten now, and emptied by the next crash
=== CLUSTER
CLUSTER clinical.patients USING patients_pkey; --! lock: rewrites the table under ACCESS EXCLUSIVE
=== VACUUM FULL
VACUUM FULL clinical.patients; --! transaction: cannot run inside a transaction block, and rewrites under ACCESS EXCLUSIVE where it can
=== a trigger is switched off
ALTER TABLE clinical.patients DISABLE TRIGGER ALL; --! backward-incompatible: seen_at is not kept any more by whoever updates
=== a lock by hand
LOCK TABLE clinical.patients IN ACCESS EXCLUSIVE MODE; --! lock: nobody reads patients until the migration commits
=== a default of a clock for old rows
ALTER TABLE clinical.patients ADD COLUMN admitted timestamptz NOT NULL DEFAULT clock_timestamp(); --! lock: clock_timestamp() is volatile, so that every row is written
=== a not null column without a default
ALTER TABLE clinical.wards ADD COLUMN head text NOT NULL; --! data-dependent: fails as soon as there is one row
=== a name that is cut at 63 bytes
ALTER TABLE clinical.wards RENAME COLUMN phone TO --! backward-incompatible: the two long names are one and the same to PostgreSQL, and the column goes
    the_telephone_number_of_the_nurse_in_charge_of_the_ward_during_the_night;
=== a column of a checked domain with a default
ALTER TABLE clinical.patients ADD COLUMN resting clinical.pulse NOT NULL DEFAULT 60; --! lock: PostgreSQL rewrites or scans the table for a constrained domain
=== an empty column of a checked domain
ALTER TABLE clinical.stays ADD COLUMN pulse_at_admission clinical.pulse; --! lock: the table is rewritten all the same
=== a partitioned column is made not null
ALTER TABLE clinical.readings ALTER COLUMN device SET NOT NULL; --! data-dependent: fails where a device is missing, and reads all partitions
=== a type is renamed
ALTER TYPE clinical.triage RENAME TO urgency; --! backward-incompatible: casts to clinical.triage fail
=== a domain is renamed
ALTER DOMAIN clinical.mrn RENAME TO record_number; --! backward-incompatible: casts fail
=== a schema is renamed
ALTER SCHEMA clinical RENAME TO hospital; --! backward-incompatible: nothing is found
=== a function is renamed
ALTER FUNCTION clinical.age(date) RENAME TO years; --! backward-incompatible: age is not found
=== a view's column is renamed
ALTER VIEW clinical.census RENAME COLUMN occupied TO n; --! backward-incompatible: occupied is not found
=== a materialized view goes
DROP MATERIALIZED VIEW clinical.daily; --! backward-incompatible: programs that read it fail
=== a unique index goes without a lock
-- atlas:txmode none

DROP INDEX CONCURRENTLY clinical.patients_bracelet; --! backward-incompatible: bracelets are unique no more, and upserts by it fail
=== partitions emptied through their parent
TRUNCATE clinical.readings; --! destructive: all readings
=== a trigger runs for replicas only
ALTER TABLE clinical.patients ENABLE REPLICA TRIGGER stamp_seen; --! backward-incompatible: it does not run for programs
=== the function of a trigger goes, and the trigger with it
DROP FUNCTION clinical.stamp() CASCADE; --! backward-incompatible: seen_at is not kept
=== an index in a block
DO $x$ BEGIN
    EXECUTE 'CREATE INDEX patients_born ON clinical.patients (born)'; --! concurrent-index: writes wait
END $x$;
=== the primary key of wards
ALTER TABLE clinical.wards DROP CONSTRAINT wards_pkey CASCADE; --! backward-incompatible: takes the foreign keys with it
=== a sequence stops at its end
ALTER SEQUENCE clinical.bracelet_seq MAXVALUE 5000 NO CYCLE; --! data-dependent: no numbers are left
=== a child gets a column that must be filled
ALTER TABLE clinical.staff ADD COLUMN badge text NOT NULL; --! data-dependent: doctors have rows
=== a column comes by inheritance
ALTER TABLE clinical.wards RENAME COLUMN "name" TO "Name"; --! backward-incompatible: name is not found
=== an update through a join of everything
UPDATE clinical.patients p SET notes = w.name FROM clinical.wards w WHERE w.id = p.ward_id; --! lock: every row of patients is written in one transaction
=== a not null constraint by its new syntax
ALTER TABLE clinical.patients ADD CONSTRAINT born_given NOT NULL born; --! data-dependent: scans, and fails for missing dates
=== a unique rule on a partition
CREATE UNIQUE INDEX readings_2024_device ON clinical.readings_2024 (device, taken_at); --! concurrent-index: writes of 2024 wait, and twins fail it
=== a policy for one command goes to another role
DROP POLICY ward_only ON clinical.patients; --! security: ward_app loses its rows
CREATE POLICY ward_only ON clinical.patients FOR SELECT TO auditor USING (ward_id > 0);
=== restrictive to permissive
CREATE POLICY night ON clinical.patients TO ward_app USING (true) WITH CHECK (true); --! security: everything passes
