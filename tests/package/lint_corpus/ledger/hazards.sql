=== a key becomes wider
ALTER TABLE tariffs ALTER COLUMN id TYPE bigint; --! lock: integer to bigint rewrites tariffs and its indexes under ACCESS EXCLUSIVE
=== an identity is dropped
ALTER TABLE transfers ALTER COLUMN id DROP IDENTITY; --! backward-incompatible: inserts without an id fail
=== an identity takes no value any more
ALTER TABLE transfers ALTER COLUMN id SET GENERATED ALWAYS; --! backward-incompatible: programs that give an id fail
=== a sequence starts again
ALTER TABLE transfers ALTER COLUMN id RESTART WITH 1; --! data-dependent: the next inserts collide with keys that are there
=== a sequence is set back
SELECT setval('events_id_seq', 1, false); --! data-dependent: keys are given a second time
=== a sequence that the default needs
DROP SEQUENCE events_id_seq CASCADE; --! backward-incompatible: CASCADE takes the default of events.id, and inserts fail
=== a composite type loses an attribute
ALTER TYPE money_amount DROP ATTRIBUTE cents CASCADE; --! destructive: the cents of each limit are lost
=== a composite type's attribute is renamed
ALTER TYPE money_amount RENAME ATTRIBUTE cents TO minor; --! backward-incompatible: (credit_limit).cents is not found any more
=== a composite type's attribute is added
ALTER TYPE money_amount ADD ATTRIBUTE precision_digits integer; --! backward-incompatible: ROW('EUR', 1)::money_amount fails in running programs
=== the trigger that balances transfers goes
DROP TRIGGER entries_balanced ON entries; --! destructive: entries that do not balance come in unseen
=== append-only no more
ALTER TABLE entries DISABLE TRIGGER entries_written_once; --! security: entries can be changed and deleted by tellers
=== a trigger on a table that is written all day
CREATE TRIGGER accounts_written_once BEFORE UPDATE ON accounts --! backward-incompatible: running programs' inserts do more, or fail, from now on
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
=== a deferred constraint is checked at once
ALTER TABLE entries ALTER CONSTRAINT entries_transfer_id_fkey NOT DEFERRABLE; --! backward-incompatible: programs that insert entries before their transfer fail
=== a foreign key is not enforced any more
ALTER TABLE entries ALTER CONSTRAINT entries_transfer_id_fkey NOT ENFORCED; --! destructive: entries of no transfer come in unseen
=== a check is dropped
ALTER TABLE entries DROP CONSTRAINT positive; --! destructive: amounts below zero come in unseen
=== a check on rows that are there
ALTER TABLE entries ADD CONSTRAINT plausible CHECK (amount < 1000000000); --! data-dependent: fails for the first fee above it, after it has read all entries under a strong lock
=== a check is narrowed
ALTER TABLE accounts DROP CONSTRAINT known_currency;
ALTER TABLE accounts ADD CONSTRAINT known_currency CHECK (currency IN ('EUR', 'USD')) NOT VALID; --! backward-incompatible: programs that still open accounts in GBP fail
=== a unique key is built in the migration
ALTER TABLE transfers ADD CONSTRAINT transfers_reference_key UNIQUE (reference); --! concurrent-index: writes and reads wait, and twin references fail it
=== a unique index concurrently over rows that may be twins
-- atlas:txmode none

CREATE UNIQUE INDEX CONCURRENTLY transfers_reference ON transfers (reference); --! data-dependent: fails for twins and leaves an invalid index
=== an upsert loses its arbiter
ALTER TABLE accounts DROP CONSTRAINT accounts_iban_key; --! backward-incompatible: INSERT ... ON CONFLICT (iban) fails without a unique constraint
=== a primary key from a partial index that does not fit
ALTER TABLE transfers DROP CONSTRAINT transfers_pkey CASCADE, ADD PRIMARY KEY (id, booked_on); --! data-dependent: memo is made NOT NULL by a scan, and the key is built under ACCESS EXCLUSIVE
=== a primary key is dropped
ALTER TABLE transfers DROP CONSTRAINT transfers_pkey CASCADE; --! destructive: CASCADE takes the foreign keys of entries
=== json becomes jsonb
ALTER TABLE accounts ALTER COLUMN settings TYPE jsonb; --! lock: rewritten under ACCESS EXCLUSIVE, with the order and twins of keys lost
=== a number becomes a text
ALTER TABLE entries ALTER COLUMN tax TYPE text; --! backward-incompatible: arithmetic of running programs fails
=== fewer decimals
ALTER TABLE accounts ALTER COLUMN rate TYPE numeric(10, 2); --! destructive: numeric(10,4) to (10,2) rounds what is stored
=== bigint becomes integer
ALTER TABLE entries ALTER COLUMN tax TYPE integer; --! data-dependent: fails above two thousand million, and rewrites
=== a collation
ALTER TABLE tariffs ALTER COLUMN title TYPE character varying(60) COLLATE "C"; --! lock: its index is built again, and the order of rows is another
=== a column is dropped in the midst of many actions
ALTER TABLE transfers ADD COLUMN note text, DROP COLUMN memo, ALTER COLUMN booked_on SET DEFAULT current_date; --! destructive: memo is lost
=== a dropped column takes a partial index with it
ALTER TABLE accounts DROP COLUMN closed CASCADE; --! destructive: closed is lost, and owners may open two accounts
=== two columns change names
ALTER TABLE entries RENAME COLUMN tax TO tmp; --! backward-incompatible: tax is not found
ALTER TABLE entries RENAME COLUMN amount TO tax; --! backward-incompatible: programs write the one and mean the other
ALTER TABLE entries RENAME COLUMN tmp TO amount; --! backward-incompatible: the swap is complete
=== a table is replaced by one of the same name
DROP TABLE events; --! destructive: events and who may read them are lost
CREATE TABLE events (id bigserial PRIMARY KEY, topic text NOT NULL, payload jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now());
=== a table is renamed
ALTER TABLE transfers RENAME TO bookings; --! backward-incompatible: transfers is not found
=== a view is renamed
ALTER VIEW balances RENAME TO totals; --! backward-incompatible: balances is not found
=== a view has another type of column
DROP VIEW balances; --! backward-incompatible: cents come as numbers with a point, which programs do not expect
CREATE VIEW balances AS
    SELECT account_id, to_char(sum(amount), '999G999') AS cents FROM entries GROUP BY account_id;
GRANT SELECT ON balances TO reporting;
=== a view that runs with its owner's rights
ALTER VIEW open_accounts RESET (security_invoker); --! security: row rights of the one who asks do not count any more
=== a barrier falls
ALTER VIEW open_accounts SET (security_barrier = false); --! security: a function in a filter sees rows that the view hides
=== a function with its owner's rights and no search path
CREATE FUNCTION pay(who integer) RETURNS void LANGUAGE sql SECURITY DEFINER --! security: whoever makes objects in a schema of the path runs as the owner
    AS $$ UPDATE accounts SET closed = NULL WHERE id = who $$;
=== an old function becomes one with its owner's rights
ALTER PROCEDURE close_account(integer) SECURITY DEFINER; --! security: everyone who may call it acts as the owner
=== a function for everyone
GRANT EXECUTE ON FUNCTION balance_of(integer, timestamptz) TO PUBLIC; --! security: balances are everybody's to ask
=== rights of tables to come
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC; --! security: each table made from now on is everybody's to write
=== a role that may do anything
ALTER ROLE teller SUPERUSER; --! security: the service becomes a superuser
=== a role that passes row security
ALTER ROLE teller BYPASSRLS; --! security: no policy binds the service any more
=== a role in a role
GRANT pg_read_all_data TO teller; --! security: tellers read all data of the cluster
=== a role goes out of another
REVOKE reporting FROM teller; --! backward-incompatible: tellers cannot read balances
=== a table has another owner
ALTER TABLE accounts OWNER TO teller; --! security: the new owner passes all grants and row security
=== a password in a migration
ALTER ROLE teller LOGIN PASSWORD 'Sommer2024'; --! security: it is in the history of the repository for good
=== a sequence is not to be used any more
REVOKE USAGE ON SEQUENCE events_id_seq FROM teller; --! backward-incompatible: inserts of events fail for tellers
=== a published table is left out
ALTER PUBLICATION outbox DROP TABLE events; --! backward-incompatible: subscribers get no events any more, without an error
=== a publication goes
DROP PUBLICATION outbox; --! backward-incompatible: subscribers stop with an error
=== a published table has no identity
ALTER TABLE events REPLICA IDENTITY NOTHING; --! backward-incompatible: UPDATE and DELETE of events fail while it is published
=== published with updates, without a key
ALTER TABLE events DROP CONSTRAINT events_pkey, REPLICA IDENTITY DEFAULT; --! backward-incompatible: UPDATE and DELETE of a published table without key fail
=== a filter for a publication
ALTER PUBLICATION outbox SET TABLE events WHERE (topic = 'opened'); --! backward-incompatible: subscribers miss the rows that it filters
=== a rule goes
DROP RULE settings_keep ON settings; --! backward-incompatible: the base currency can be deleted
=== a rule that swallows inserts
CREATE RULE frozen AS ON INSERT TO transfers DO INSTEAD NOTHING; --! backward-incompatible: programs write, and nothing is written
=== triggers are switched off for a session
SET session_replication_role = replica; --! data-dependent: foreign keys and triggers are not checked by what follows
UPDATE entries SET amount = amount WHERE id = 1;
=== a procedure goes
DROP PROCEDURE close_account(integer); --! backward-incompatible: CALL close_account fails
=== a function's default goes
DROP FUNCTION balance_of(integer, timestamptz); --! backward-incompatible: balance_of(1) is not found
CREATE FUNCTION balance_of(who integer, at_most timestamptz) RETURNS bigint --! security: everybody may call what was revoked from PUBLIC
    LANGUAGE sql STABLE AS $$ SELECT cents FROM balances WHERE account_id = who $$;
=== a function is overloaded
CREATE FUNCTION balance_of(who integer, verbose boolean DEFAULT false) RETURNS bigint --! backward-incompatible: balance_of(1) becomes ambiguous, and fails
    LANGUAGE sql STABLE AS $$ SELECT 0::bigint $$;
=== a transaction ends in the midst of a file
ALTER TABLE accounts ADD COLUMN nick text;
COMMIT; --! transaction: the migration tool's transaction ends here, and what follows cannot be taken back
ALTER TABLE accounts ADD COLUMN colour text;
=== a setting that survives the migration
SET search_path = pg_temp; --! transaction: the session keeps it for the migrations that follow
=== columns by the dozen, one without default
ALTER TABLE accounts ADD COLUMN a text, ADD COLUMN b integer DEFAULT 3, ADD COLUMN branch text NOT NULL; --! data-dependent: branch is NOT NULL without a default
=== a default goes though the column must not be null
ALTER TABLE accounts ALTER COLUMN currency DROP DEFAULT; --! backward-incompatible: inserts that leave currency out fail
=== null comes in
ALTER TABLE accounts ALTER COLUMN owner DROP NOT NULL; --! backward-incompatible: programs that read owner do not expect null
=== a random key for rows that are there
ALTER TABLE entries ADD COLUMN public_id uuid NOT NULL DEFAULT gen_random_uuid(); --! lock: gen_random_uuid() is volatile, so that every row is written
=== a serial for rows that are there
ALTER TABLE transfers ADD COLUMN number bigserial; --! lock: bigserial numbers every row, by rewriting the table
=== an identity for rows that are there
ALTER TABLE settings ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY; --! lock: numbers every row, by rewriting the table
=== a WITH that deletes
WITH gone AS (DELETE FROM events WHERE at < now() RETURNING id) SELECT count(*) FROM gone; --! destructive: all settled entries are lost
=== MERGE that deletes
MERGE INTO tariffs USING (VALUES (7)) AS v (k) ON tariffs.id = v.k --! destructive: tariffs are deleted by a merge
    WHEN NOT MATCHED BY SOURCE THEN DELETE;
=== rows are deleted by a function of the migration
CREATE FUNCTION pg_temp.purge() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM events;
END
$$;
SELECT pg_temp.purge(); --! destructive: the function deletes all events
=== a table is filled from another in one go
UPDATE accounts SET rate = 0.01; --! lock: rewrites all rows of entries in one transaction, its row locks held until the end
=== a table space of rows moved
ALTER TABLE entries ALTER COLUMN at TYPE timestamp USING at AT TIME ZONE 'UTC'; --! lock: a storage change by access method or fillfactor is cheap, but a rewrite is not
=== an event trigger for all
CREATE FUNCTION no_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE EVENT TRIGGER guard ON ddl_command_start EXECUTE FUNCTION no_ddl(); --! backward-incompatible: every DDL of everyone runs it from now on, or fails
=== a check option is lost
CREATE OR REPLACE VIEW open_accounts WITH (security_invoker = true, security_barrier = true) AS --! backward-incompatible: closed accounts can be written through it
    SELECT id, owner, currency FROM accounts WHERE closed IS NULL;
=== all that a role has
DROP OWNED BY teller; --! backward-incompatible: tellers lose all rights
=== rights with the right to give them on
GRANT SELECT ON accounts TO reporting WITH GRANT OPTION; --! security: reporting may let anybody read
=== a publication is renamed
ALTER PUBLICATION outbox RENAME TO outgoing; --! backward-incompatible: subscribers do not find it
=== fewer operations are published
ALTER PUBLICATION outbox SET (publish = 'insert'); --! backward-incompatible: subscribers miss updates
=== a table without a key is published
CREATE TABLE raw (body jsonb);
CREATE TABLE journal (line text);
ALTER TABLE tariffs DROP CONSTRAINT tariffs_pkey; --! backward-incompatible: keys can be given twice
ALTER PUBLICATION outbox ADD TABLE tariffs; --! backward-incompatible: UPDATE and DELETE of tariffs fail
=== the owner of a function
ALTER FUNCTION balanced() OWNER TO teller; --! security: tellers may change the guard
=== a partial unique index goes
DROP INDEX accounts_owner_open; --! concurrent-index: and owners may open two accounts
=== a unique constraint covers one column more
ALTER TABLE accounts DROP CONSTRAINT accounts_iban_key, ADD CONSTRAINT accounts_iban_key UNIQUE (iban, currency); --! backward-incompatible: ibans may come twice, and is built under a lock
=== an enum made from a text
ALTER TABLE tariffs ALTER COLUMN title TYPE entry_kind USING title::entry_kind; --! data-dependent: fails for other titles
=== foreign key to another table
ALTER TABLE entries DROP CONSTRAINT entries_account_id_fkey; --! backward-incompatible: entries of no account come in
=== triggers of a table off, foreign keys with them
ALTER TABLE transfers DISABLE TRIGGER ALL; --! backward-incompatible: a transfer with entries can be deleted
=== trigger off for a bulk change, and never on
ALTER TABLE entries DISABLE TRIGGER USER; --! backward-incompatible: neither guard runs any more
UPDATE entries SET tax = 0; --! lock: all rows in one transaction
=== a policy without row security on an old table
CREATE POLICY own ON accounts USING (owner = current_user);
ALTER TABLE accounts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; --! security: programs see only what the policy lets them
=== char to varchar
ALTER TABLE accounts ADD COLUMN code uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(); --! lock: rewritten, with an index
=== a merge that updates all
MERGE INTO tariffs t USING accounts a ON t.id = a.id WHEN MATCHED THEN UPDATE SET tier = 1; --! lock: all rows in one transaction
=== a view of everything for everyone
GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC; --! security: everybody reads accounts
=== a sequence for everybody
GRANT ALL ON SEQUENCE events_id_seq TO PUBLIC; --! security: everybody may set it back
=== a column for everybody
GRANT UPDATE (owner) ON accounts TO PUBLIC; --! security: everybody may change owners
=== work as somebody else
SET ROLE teller; --! transaction: the files that follow run with other rights
=== the search path of the session
SELECT set_config('search_path', 'pg_catalog', false); --! transaction: files that follow find no table
=== a primary key gets another column
ALTER TABLE tariffs DROP CONSTRAINT tariffs_pkey, ADD PRIMARY KEY (title); --! data-dependent: titles may be missing or twins
