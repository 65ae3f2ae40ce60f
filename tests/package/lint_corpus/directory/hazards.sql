-- Migrations of schema.sql, each below a line with its name; `--! rule` ends the line of a finding.

=== drop a table
DROP TABLE items; --! drop-table
=== drop a table that others refer to
DROP TABLE users CASCADE; --! drop-table
=== drop a partition
DROP TABLE events_2025; --! drop-table
=== drop a partitioned table
DROP TABLE events; --! drop-table
=== drop a schema with a table
DROP SCHEMA archive CASCADE; --! drop-table drop-object
=== drop a table in a block
DO $$ BEGIN --! drop-table
  EXECUTE 'DROP TABLE ' || quote_ident('items');
END $$;
=== drop a column
ALTER TABLE users --! drop-column
    DROP COLUMN bio;
=== drop a column that a view reads
ALTER TABLE orders DROP COLUMN total CASCADE; --! drop-column drop-view drop-view stale-body
=== drop a column and add one in its place
ALTER TABLE users DROP COLUMN nick, ADD COLUMN handle varchar(50); --! drop-column
=== drop an attribute
ALTER TYPE address DROP ATTRIBUTE city; --! drop-column
=== delete all
DELETE FROM items; --! delete-rows
=== delete all, it says
DELETE FROM items WHERE 1 = 1; --! delete-rows
=== delete in a query
WITH gone AS (DELETE FROM items RETURNING product) SELECT count(*) FROM gone; --! delete-rows
=== truncate
TRUNCATE TABLE items; --! delete-rows
=== truncate with what refers to it
TRUNCATE users CASCADE; --! delete-rows delete-rows
=== shrink a varchar
ALTER TABLE users ALTER COLUMN nick TYPE varchar(20); --! narrow-type
=== text becomes a number
ALTER TABLE items ALTER COLUMN product TYPE integer USING product::integer; --! change-type narrow-type
=== fewer digits
ALTER TABLE products ALTER price TYPE numeric(8, 2); --! narrow-type
=== a smaller integer
ALTER TABLE items ALTER amount TYPE smallint; --! narrow-type
=== text becomes an enum
ALTER TABLE events_old ALTER kind TYPE status USING kind::status; --! change-type narrow-type
=== a timestamp becomes a date
ALTER TABLE orders ALTER placed DROP DEFAULT, ALTER placed TYPE date; --! change-type narrow-type drop-default
=== a wider integer
ALTER TABLE items ALTER COLUMN amount TYPE bigint; --! rewrite-table
=== a timestamp with a zone
ALTER TABLE orders ALTER placed TYPE timestamptz; --! rewrite-table
=== an enum becomes text
ALTER TABLE orders ALTER status DROP DEFAULT; --! drop-default
ALTER TABLE products ALTER price TYPE numeric(20, 6); --! rewrite-table
=== a random default
ALTER TABLE users ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid(); --! rewrite-table
=== a clock as default
ALTER TABLE users ADD COLUMN seen timestamptz DEFAULT clock_timestamp(); --! rewrite-table
=== a stored generated column
ALTER TABLE items ADD COLUMN twice int GENERATED ALWAYS AS (amount * 2) STORED; --! rewrite-table
=== a new serial
ALTER TABLE items ADD COLUMN id bigserial; --! rewrite-table
=== a new identity
ALTER TABLE items ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY; --! rewrite-table
=== a new key column
ALTER TABLE items ADD COLUMN id bigserial PRIMARY KEY; --! rewrite-table constraint-builds-index unique-rows
=== unlogged
ALTER TABLE items SET UNLOGGED; --! rewrite-table unlogged-table
=== converted without a new type
ALTER TABLE users ALTER bio TYPE text USING trim(bio); --! rewrite-table
=== vacuum full
-- atlas:txmode none

VACUUM FULL items; --! rewrite-table
=== cluster
CLUSTER orders USING orders_user_idx; --! rewrite-table
=== a required column
ALTER TABLE users ADD COLUMN phone text NOT NULL; --! required-column
=== a required column, with a default that goes
ALTER TABLE users ADD COLUMN phone text NOT NULL DEFAULT '';
ALTER TABLE users ALTER COLUMN phone DROP DEFAULT; --! required-column
=== a column filled, then required
ALTER TABLE items ADD COLUMN unit text;
UPDATE items SET unit = 'piece' WHERE unit IS NULL; --! backfill
ALTER TABLE items ALTER COLUMN unit SET NOT NULL; --! required-column
=== not null
ALTER TABLE users ALTER COLUMN born SET NOT NULL; --! set-not-null
=== not null with a check that is not valid
ALTER TABLE users ALTER COLUMN nick SET NOT NULL; --! set-not-null
=== the default goes
ALTER TABLE users ALTER COLUMN country DROP DEFAULT; --! drop-default
=== the identity goes
ALTER TABLE users ALTER COLUMN id DROP IDENTITY; --! drop-default
=== null is allowed
ALTER TABLE orders ALTER COLUMN status DROP NOT NULL; --! drop-not-null
=== identity always
ALTER TABLE users ALTER COLUMN id SET GENERATED ALWAYS; --! generated-always
=== rename a table
ALTER TABLE items RENAME TO order_items; --! rename-table
=== move a table
ALTER TABLE items SET SCHEMA archive; --! rename-table
=== rename a view
ALTER VIEW paid_orders RENAME TO payments; --! rename-table
=== rename a sequence
ALTER SEQUENCE invoice_numbers RENAME TO invoice_ids; --! rename-table
=== rename a column
ALTER TABLE users RENAME COLUMN bio TO about; --! rename-column
=== rename a column, many lines
-- The users asked for it.
ALTER TABLE --! rename-column
    users
RENAME bio TO about;
=== rename a column of a view
ALTER VIEW paid_orders RENAME COLUMN total TO amount; --! rename-column
=== rename a column that a function names
ALTER TABLE orders RENAME COLUMN total TO amount; --! rename-column stale-body
=== rename an attribute
ALTER TYPE address RENAME ATTRIBUTE city TO town; --! rename-column
=== rename a value
ALTER TYPE status RENAME VALUE 'sent' TO 'shipped'; --! rename-value
=== rename a type
ALTER TYPE status RENAME TO order_status; --! rename-object
=== rename a schema
ALTER SCHEMA archive RENAME TO attic; --! rename-object
=== rename a function
ALTER FUNCTION total_of(bigint) RENAME TO spent_by; --! rename-object
=== drop a view
DROP VIEW paid_orders; --! drop-view
=== drop a materialized view
DROP MATERIALIZED VIEW sales; --! drop-view
=== a view with fewer columns
DROP VIEW paid_orders; --! drop-view
CREATE VIEW paid_orders AS SELECT id, user_id FROM orders WHERE status = 'paid';
=== a view whose column has another type
DROP VIEW paid_orders; --! drop-view
CREATE VIEW paid_orders AS SELECT id, user_id, total::text AS total FROM orders;
=== drop a function
DROP FUNCTION total_of; --! drop-routine
=== drop a procedure
DROP PROCEDURE close_orders; --! drop-routine
=== a function with other arguments
DROP FUNCTION total_of(bigint); --! drop-routine
CREATE FUNCTION total_of(u int) RETURNS numeric LANGUAGE sql AS 'SELECT 1.0';
=== a function with another result
DROP FUNCTION total_of(bigint); --! drop-routine
CREATE FUNCTION total_of(u bigint) RETURNS text LANGUAGE sql AS $$ SELECT '1' $$;
=== drop a type
ALTER TABLE users DROP COLUMN address; --! drop-column
DROP TYPE address; --! drop-type
=== an enum without a value
ALTER TYPE status RENAME TO status_old;
CREATE TYPE status AS ENUM ('new', 'paid');
DROP VIEW paid_orders; --! drop-view
ALTER TABLE orders ALTER status DROP DEFAULT; --! drop-default
ALTER TABLE orders ALTER status TYPE status USING status::text::status; --! narrow-type
DROP TYPE status_old; --! drop-type
=== drop a trigger
DROP TRIGGER stamp ON orders; --! drop-trigger
=== switch a trigger off
ALTER TABLE orders DISABLE TRIGGER stamp; --! drop-trigger
=== switch all triggers off
ALTER TABLE orders DISABLE TRIGGER USER; --! drop-trigger
=== drop a sequence
DROP SEQUENCE invoice_numbers; --! drop-object
=== drop an extension
DROP EXTENSION pg_trgm; --! drop-object
=== drop a foreign key
ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey; --! drop-constraint
=== drop a unique constraint
ALTER TABLE users DROP CONSTRAINT users_mail_key; --! drop-constraint
=== drop a check
ALTER TABLE items DROP CONSTRAINT least; --! drop-constraint
=== drop a primary key
ALTER TABLE tenants DROP CONSTRAINT tenants_pkey; --! drop-constraint
=== revoke
REVOKE SELECT ON users FROM pg_monitor; --! revoke
=== row security without a policy
ALTER TABLE users ENABLE ROW LEVEL SECURITY; --! row-security-on
=== row security for the owner
ALTER TABLE tenants FORCE ROW LEVEL SECURITY; --! row-security-on
=== row security off
ALTER TABLE tenants DISABLE ROW LEVEL SECURITY; --! row-security-off
=== a policy dropped
DROP POLICY own ON tenants; --! row-security-off
=== a table without row security
CREATE TABLE archive.mails (id bigint); --! row-security-missing
=== security definer
CREATE FUNCTION all_users() RETURNS SETOF users LANGUAGE sql SECURITY DEFINER --! definer-search-path
AS 'SELECT * FROM users';
=== security definer, later
ALTER FUNCTION total_of SECURITY DEFINER; --! definer-search-path
=== grant to public
GRANT SELECT ON users TO PUBLIC; --! grant-to-public
=== grant a column to public
GRANT SELECT (mail) ON users TO PUBLIC; --! grant-to-public
=== grant on a schema to public
GRANT USAGE ON SCHEMA archive TO PUBLIC; --! grant-to-public
=== an index
CREATE INDEX orders_placed_idx ON orders (placed); --! index-not-concurrent
=== an index outside a transaction
-- atlas:txmode none

CREATE INDEX orders_placed_idx ON orders (placed); --! index-not-concurrent
=== an index in a block
DO $$ BEGIN EXECUTE 'CREATE INDEX placed ON orders (placed)'; END $$; --! index-not-concurrent
=== a unique index
CREATE UNIQUE INDEX items_key ON items (order_id, product); --! index-not-concurrent unique-rows
=== a unique index, concurrently
-- atlas:txmode none

CREATE UNIQUE INDEX CONCURRENTLY items_key ON items (order_id, product); --! unique-rows
=== a narrower unique index
-- atlas:txmode none

CREATE UNIQUE INDEX CONCURRENTLY orders_note_only ON orders (note); --! unique-rows
=== an index of a materialized view
CREATE INDEX sales_total_idx ON sales (total); --! index-not-concurrent
=== an index of a partitioned table
CREATE INDEX events_kind_idx ON events (kind); --! index-not-concurrent
=== drop an index
DROP INDEX users_nick_idx; --! drop-index-not-concurrent
=== reindex
REINDEX TABLE orders; --! reindex-not-concurrent
=== reindex an index
REINDEX INDEX orders_user_idx; --! reindex-not-concurrent
=== refresh
REFRESH MATERIALIZED VIEW sales; --! refresh-not-concurrent
=== detach
ALTER TABLE events DETACH PARTITION events_2025; --! detach-partition
=== attach
ALTER TABLE events ATTACH PARTITION events_old --! attach-partition
    FOR VALUES FROM ('2000-01-01+00') TO ('2025-01-01+00');
=== a unique constraint
ALTER TABLE products ADD CONSTRAINT price_key UNIQUE (price); --! constraint-builds-index unique-rows
=== a unique column
ALTER TABLE products ADD COLUMN ean text UNIQUE; --! constraint-builds-index
=== a primary key
ALTER TABLE items ADD PRIMARY KEY (order_id, product); --! constraint-builds-index unique-rows set-not-null set-not-null
=== an exclusion
ALTER TABLE products ADD CONSTRAINT one EXCLUDE USING btree (price WITH =); --! constraint-builds-index
=== a check
ALTER TABLE orders ADD CONSTRAINT positive CHECK (total >= 0); --! check-not-valid
=== a check of a new column
ALTER TABLE orders ADD COLUMN rebate numeric CHECK (rebate >= 0); --! check-not-valid
=== a check of a domain
ALTER DOMAIN email ADD CONSTRAINT short CHECK (length(value) < 200); --! table-scan
=== a foreign key
ALTER TABLE items ADD FOREIGN KEY (order_id) REFERENCES orders; --! foreign-key-not-valid
=== a filled column with a foreign key
ALTER TABLE items ADD COLUMN user_id bigint DEFAULT 1 REFERENCES users (id); --! foreign-key-not-valid
=== a new attribute
ALTER TYPE address ADD ATTRIBUTE zip text; --! composite-attribute
=== validated at once
ALTER TABLE items ADD CONSTRAINT o FOREIGN KEY (order_id) REFERENCES orders NOT VALID;
ALTER TABLE items VALIDATE CONSTRAINT o; --! validated-at-once
=== lock
LOCK TABLE users IN ACCESS EXCLUSIVE MODE; --! lock-table
=== a trigger
CREATE TRIGGER stamp_items BEFORE INSERT ON items --! add-trigger
    FOR EACH ROW EXECUTE FUNCTION stamp();
=== many tables
ALTER TABLE users ADD COLUMN a int;
ALTER TABLE orders ADD COLUMN a int;
ALTER TABLE items ADD COLUMN a int; --! many-tables
=== update all
UPDATE users SET bio = ''; --! backfill
=== update after a change
ALTER TABLE users ADD COLUMN lower_nick text;
UPDATE users SET lower_nick = lower(nick) WHERE nick IS NOT NULL; --! backfill
=== begin and commit
BEGIN; --! refused-statement
ALTER TABLE users ADD COLUMN a int;
COMMIT; --! refused-statement
=== a role
CREATE ROLE reporting; --! refused-statement
=== concurrently in a transaction
CREATE INDEX CONCURRENTLY orders_placed_idx ON orders (placed); --! not-in-transaction
=== concurrently after another statement
ALTER TABLE users ADD COLUMN a int;
DROP INDEX CONCURRENTLY users_nick_idx; --! not-in-transaction
=== vacuum
VACUUM users; --! not-in-transaction
=== a value used at once
ALTER TYPE status ADD VALUE 'lost';
UPDATE orders SET status = 'lost' WHERE id = 1; --! new-value-used
=== a directive without its blank line
-- atlas:txmode none
CREATE INDEX CONCURRENTLY orders_placed_idx ON orders (placed); --! ignored-directive not-in-transaction
=== two statements outside a transaction
-- atlas:txmode none

ALTER TABLE orders ADD COLUMN zone text; --! several-statements
CREATE INDEX CONCURRENTLY b ON orders (zone);
=== a long name
CREATE INDEX CONCURRENTLY_is_no_word_here_but_this_name_is_longer_than_sixty_three_bytes ON items (amount); --! long-name index-not-concurrent
=== a function of an index
CREATE OR REPLACE FUNCTION normal(x text) RETURNS text IMMUTABLE LANGUAGE sql --! stale-results
AS 'SELECT lower(trim(x))';
=== a value waived by nobody
-- lint:allow drop-column
ALTER TABLE users DROP COLUMN bio; --! lint-allow drop-column
=== the same type again, and a check that is verified again
ALTER TABLE items ALTER COLUMN amount TYPE integer; --! table-scan
