=== an identity key of a new table
CREATE TABLE branches (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
ALTER TABLE branches ALTER COLUMN id TYPE bigint;
ALTER TABLE branches ALTER COLUMN id RESTART WITH 1000;
DROP TABLE branches;
=== a reference to a table made here
CREATE TABLE branches (id integer PRIMARY KEY);
ALTER TABLE accounts ADD COLUMN branch_id integer;
ALTER TABLE accounts ADD CONSTRAINT accounts_branch_fkey FOREIGN KEY (branch_id) REFERENCES branches (id) NOT VALID;
=== a nullable column that refers to a table made here
CREATE TABLE regions (id integer PRIMARY KEY);
ALTER TABLE accounts ADD COLUMN region_id integer REFERENCES regions (id);
=== a sequence goes forward
SELECT setval('events_id_seq', 1000000);
=== a composite type of its own
CREATE TYPE span AS (lower date, upper date);
ALTER TYPE span DROP ATTRIBUTE upper;
ALTER TYPE span ADD ATTRIBUTE until date;
=== a trigger for a table made here
CREATE TABLE notices (id integer PRIMARY KEY, text text);
CREATE TRIGGER notices_once BEFORE UPDATE ON notices FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE notices DISABLE TRIGGER notices_once;
DROP TRIGGER notices_once ON notices;
=== a foreign key may be deferred
ALTER TABLE entries ALTER CONSTRAINT entries_account_id_fkey DEFERRABLE INITIALLY IMMEDIATE;
=== a check is widened
ALTER TABLE accounts ADD CONSTRAINT known_currency_2 CHECK (currency IN ('EUR', 'USD', 'GBP', 'CHF')) NOT VALID;
ALTER TABLE accounts DROP CONSTRAINT known_currency;
=== a unique key by an index that is there
ALTER TABLE accounts ADD CONSTRAINT accounts_id_currency_key UNIQUE USING INDEX accounts_id_currency;
=== a check that is not enforced
ALTER TABLE entries ADD CONSTRAINT plausible CHECK (amount < 1000000000) NOT ENFORCED;
=== a function with its owner's rights that is closed
CREATE FUNCTION pay(who integer) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ UPDATE public.accounts SET closed = NULL WHERE id = who $$;
REVOKE ALL ON FUNCTION pay(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pay(integer) TO teller;
=== a view with the rights of the one who asks
ALTER VIEW balances SET (security_invoker = true);
=== fewer rights for everyone
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
=== a table more is published
CREATE TABLE inbox (id bigint PRIMARY KEY, body jsonb NOT NULL);
ALTER PUBLICATION outbox ADD TABLE inbox;
=== a publication of its own
CREATE PUBLICATION audit FOR TABLE settings WITH (publish = 'insert');
DROP PUBLICATION audit;
=== statistics come and go
DROP STATISTICS entries_stat;
CREATE STATISTICS entries_stat ON account_id, kind, at FROM entries;
=== a function gets an argument with a default, under another name
CREATE FUNCTION balance_on(who integer, day date DEFAULT current_date) RETURNS bigint
    LANGUAGE sql STABLE AS $$ SELECT cents FROM public.balances WHERE account_id = who $$;
=== a function is made faster
ALTER FUNCTION balance_of(integer, timestamptz) COST 1000;
ALTER FUNCTION balance_of(integer, timestamptz) SET search_path = public, pg_temp;
=== a table for a while, in one transaction
CREATE TABLE backfill_scratch AS SELECT id FROM accounts WHERE false;
DELETE FROM backfill_scratch;
UPDATE backfill_scratch SET id = id;
DROP TABLE backfill_scratch;
=== one row by its key
DELETE FROM settings WHERE key = 'no_such_key';
=== a block that adds what is missing
DO $do$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'readers_of_events') THEN
        CREATE ROLE readers_of_events NOLOGIN;
    END IF;
    EXECUTE format('GRANT SELECT ON %I TO readers_of_events', 'events');
END
$do$;
=== settings of this transaction
SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';
ALTER TABLE accounts ADD COLUMN nick text;
=== strings that close and open again
INSERT INTO settings VALUES ('motto', E'it''s \'fine\'; DROP TABLE accounts; --'), ('dollar', $$;'$$);
COMMENT ON COLUMN accounts.owner IS 'see "DELETE FROM"';
=== two concurrent indexes
-- atlas:txmode none

CREATE INDEX CONCURRENTLY tariffs_tier ON tariffs (tier);
CREATE INDEX CONCURRENTLY entries_by_transfer ON entries (transfer_id);
=== a constraint is renamed
ALTER TABLE entries RENAME CONSTRAINT positive TO amount_positive;
=== an index is renamed
ALTER INDEX entries_by_account RENAME TO entries_account_at;
=== storage of large values
ALTER TABLE events ALTER COLUMN payload SET STORAGE EXTERNAL;
ALTER TABLE events ALTER COLUMN payload SET COMPRESSION pglz;
ALTER TABLE entries SET (fillfactor = 90);
=== an enum value that is not used here
ALTER TYPE entry_kind ADD VALUE 'interest' BEFORE 'fee';
=== a view beside
CREATE VIEW fees AS SELECT * FROM entries WHERE kind = 'fee';
=== a view that is replaced word for word
CREATE OR REPLACE VIEW balances AS
    SELECT account_id, sum(CASE kind WHEN 'credit' THEN amount ELSE -amount END) AS cents
    FROM entries GROUP BY account_id;
=== a trigger function is formatted
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries are written once';  -- by design
END
$$;
=== a copy of a table's shape
CREATE TABLE entries_import (LIKE entries INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE entries_import ADD COLUMN batch integer NOT NULL;
=== identity by default
ALTER TABLE accounts ALTER COLUMN id SET GENERATED BY DEFAULT;
=== a sequence follows its rows
SELECT setval('events_id_seq', (SELECT max(id) FROM events));
=== a sequence follows its rows, or starts
SELECT setval(pg_get_serial_sequence('events', 'id'), coalesce(max(id) + 1, 1), false) FROM events;
=== a function is made again with its rights
DROP FUNCTION balance_of(integer, timestamptz);
CREATE FUNCTION balance_of(who integer, at_most timestamptz DEFAULT now()) RETURNS bigint
    LANGUAGE sql STABLE AS $$ SELECT max(cents) FROM balances WHERE account_id = who $$;
REVOKE ALL ON FUNCTION balance_of(integer, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION balance_of(integer, timestamptz) TO teller;
=== a view is made again with its rights
DROP VIEW balances;
CREATE VIEW balances AS
    SELECT account_id, sum(CASE kind WHEN 'credit' THEN amount ELSE -amount END) AS cents, max(at) AS latest
    FROM entries GROUP BY account_id;
GRANT SELECT ON balances TO reporting;
=== as another role for this transaction
SET LOCAL ROLE teller;
SELECT count(*) FROM transfers;
RESET ROLE;
ALTER TABLE accounts ADD COLUMN nick text;
=== a foreign key restricts more
ALTER TABLE accounts ADD COLUMN backup_id integer REFERENCES accounts (id) ON DELETE SET NULL;
=== comments on everything
COMMENT ON PUBLICATION outbox IS 'DROP PUBLICATION';
COMMENT ON TRIGGER entries_balanced ON entries IS 'DISABLE TRIGGER ALL';
COMMENT ON RULE settings_keep ON settings IS 'x';
COMMENT ON TYPE money_amount IS 'cents';
=== copy into a table made here
CREATE TABLE closed_accounts (LIKE accounts);
INSERT INTO closed_accounts SELECT * FROM accounts WHERE closed IS NOT NULL;
CREATE UNIQUE INDEX closed_iban ON closed_accounts (iban);
ALTER TABLE closed_accounts ADD PRIMARY KEY (id);
=== a publication gets more
ALTER PUBLICATION outbox ADD TABLE settings;
=== an upsert of reference rows
INSERT INTO settings VALUES ('rounding', 'half even') ON CONFLICT (key) DO UPDATE SET value = excluded.value;
=== a constraint deferred for this transaction
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO settings VALUES ('x', 'y');
=== a view option more
ALTER VIEW open_accounts SET (check_option = 'cascaded');
=== the same check under another name
ALTER TABLE entries ADD CONSTRAINT amount_positive CHECK (amount > 0) NOT VALID;
ALTER TABLE entries DROP CONSTRAINT positive;
=== a bound is let out
ALTER TABLE entries DROP CONSTRAINT positive;
ALTER TABLE entries ADD CONSTRAINT positive CHECK (amount > -1) NOT VALID;
=== an owner that it has
ALTER TABLE accounts OWNER TO CURRENT_USER;
=== a procedure beside
CREATE OR REPLACE PROCEDURE close_account(who integer) LANGUAGE sql
    AS $$ UPDATE accounts SET closed = clock_timestamp() WHERE id = who $$;
=== a helper of this file
CREATE FUNCTION pg_temp.twice(x integer) RETURNS integer LANGUAGE sql AS $$ SELECT x * 2 $$;
INSERT INTO settings SELECT 'twice', pg_temp.twice(2)::text;
DROP FUNCTION pg_temp.twice(integer);
=== an old index attached as a key
ALTER TABLE accounts ADD CONSTRAINT accounts_pair UNIQUE USING INDEX accounts_id_currency;
