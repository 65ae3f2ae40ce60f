=== drop a column, lower case
alter table orders drop column note; --! destructive
=== drop a table with a quoted name, IF EXISTS
DROP TABLE IF EXISTS "LegacyOrders"; --! destructive
=== drop a table with CASCADE, a view goes with it
/* the totals are computed by the app now */
DROP TABLE order_items CASCADE; --! destructive
=== drop one column of several actions in one ALTER TABLE
ALTER TABLE public.payments
    ADD COLUMN wallet text,
    ALTER COLUMN provider SET DEFAULT 'stripe',
    DROP COLUMN IF EXISTS card_last4, --! destructive
    ADD COLUMN fee_cents integer NOT NULL DEFAULT 0;
=== truncate with cascade
truncate table customers cascade; --! destructive
=== delete without a where clause between safe statements
create table coupon_imports (code text primary key, loaded_at timestamptz not null default now());
delete from coupons; --! destructive
comment on table coupon_imports is 'replaces the old coupon file';
=== drop a sequence
DROP SEQUENCE invoice_no_seq; --! destructive
=== drop and add the same column with another type
ALTER TABLE products DROP COLUMN tags; --! destructive
ALTER TABLE products ADD COLUMN tags jsonb;
=== drop a column by dynamic SQL in a DO block
DO $do$
DECLARE
    t text := 'payments';
BEGIN
    -- the old numbering is not needed any more
    EXECUTE format('ALTER TABLE %I DROP COLUMN %I', t, 'legacy_id'); --! destructive
END
$do$;
=== rename a column over two lines
ALTER TABLE customers
    RENAME COLUMN phone TO phone_number; --! backward-incompatible
=== rename a column without the word COLUMN
alter table only "customers" rename "full_name" to "name"; --! backward-incompatible
=== rename a table
ALTER TABLE bookings RENAME TO room_bookings; --! backward-incompatible
=== rename a column that a PL/pgSQL function uses
ALTER TABLE order_items RENAME COLUMN qty TO quantity; --! backward-incompatible stale
=== drop a table that a PL/pgSQL function uses
DROP TABLE coupons; --! destructive stale
=== drop a column that a trigger function assigns
-- the search moved to another service
ALTER TABLE products DROP COLUMN search; --! destructive stale
=== drop a view
DROP VIEW active_products; --! backward-incompatible
=== drop and recreate a view without one of its columns
DROP VIEW order_totals; --! backward-incompatible
CREATE VIEW order_totals AS
    SELECT order_id, sum(qty * price_cents) AS cents
    FROM order_items GROUP BY order_id;
=== drop the default of a NOT NULL column
alter table orders alter column status drop default; --! backward-incompatible
=== drop a function the application calls
DROP FUNCTION IF EXISTS order_total(bigint); --! backward-incompatible
=== drop a unique constraint that ON CONFLICT (email) needs
ALTER TABLE customers DROP CONSTRAINT customers_email_key; --! backward-incompatible
=== new NOT NULL column without a default
ALTER TABLE customers ADD COLUMN tax_id text NOT NULL; --! data-dependent backward-incompatible
=== new column, then NOT NULL by a second statement
alter table orders add column region text;
alter table orders alter column region set not null; --! data-dependent backward-incompatible
=== SET NOT NULL on an existing column
ALTER TABLE orders ALTER COLUMN currency SET NOT NULL; --! data-dependent lock
=== SET NOT NULL in the middle of other actions
alter table products
    add column origin char(2),
    alter column weight_g set not null, --! data-dependent lock
    alter column weight_g set default 0;
=== validated check constraint
ALTER TABLE order_items ADD CONSTRAINT qty_positive CHECK (qty > 0); --! data-dependent lock
=== foreign key without NOT VALID
ALTER TABLE order_items
    ADD CONSTRAINT order_items_product_fk
    FOREIGN KEY (product_id) REFERENCES products (id); --! data-dependent lock
=== unique constraint without an index made before
ALTER TABLE products ADD CONSTRAINT products_sku_key UNIQUE (sku); --! data-dependent lock
=== exclusion constraint
ALTER TABLE bookings ADD CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&); --! data-dependent lock
=== narrow a varchar
alter table customers alter column phone type varchar(12); --! data-dependent lock
=== text to bigint by a cast
ALTER TABLE payments ALTER COLUMN ref TYPE bigint USING ref::bigint; --! data-dependent lock backward-incompatible
=== unique index, concurrently but the rows may be duplicates
-- atlas:txmode none

CREATE UNIQUE INDEX CONCURRENTLY products_sku_uidx ON products (sku); --! data-dependent
=== integer to bigint rewrites the table
ALTER TABLE products ALTER COLUMN weight_g SET DATA TYPE bigint; --! lock
=== timestamp to timestamptz with USING rewrites the table
ALTER TABLE orders
    ALTER COLUMN placed_at TYPE timestamptz --! lock
    USING placed_at AT TIME ZONE 'Europe/Berlin';
=== new column with a volatile default
ALTER TABLE orders ADD COLUMN public_id uuid NOT NULL DEFAULT gen_random_uuid(); --! lock
=== new serial column
alter table inventory add column id bigserial; --! lock
=== new stored generated column
ALTER TABLE orders ADD COLUMN total numeric GENERATED ALWAYS AS (total_cents / 100.0) STORED; --! lock
=== explicit exclusive lock
LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; --! lock
ALTER TABLE orders ADD COLUMN source text;
=== vacuum full
-- atlas:txmode none

VACUUM (FULL, ANALYZE) orders; --! lock
=== make a table unlogged
ALTER TABLE inventory SET UNLOGGED; --! lock
=== another primary key
ALTER TABLE inventory
    DROP CONSTRAINT inventory_pkey, --! backward-incompatible
    ADD PRIMARY KEY (product_id, warehouse); --! lock
=== index that blocks writes
create index on payments (order_id); --! concurrent-index
=== index that blocks writes in the middle of a safe file
-- We do not DROP TABLE anything here.
CREATE TABLE shipments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL
);
CREATE INDEX shipments_order_idx ON shipments (order_id);
CREATE INDEX IF NOT EXISTS orders_status_idx ON orders (status) WHERE status <> 'done'; --! concurrent-index
COMMENT ON TABLE shipments IS 'one row per parcel';
=== unique index that blocks writes
CREATE UNIQUE INDEX orders_public_uidx ON public.orders USING btree (customer_id, placed_at); --! concurrent-index data-dependent
=== drop an index, blocking
DROP INDEX IF EXISTS public.orders_placed_idx; --! concurrent-index
=== reindex, blocking
reindex index orders_customer_idx; --! concurrent-index
=== concurrent index in a transaction
CREATE INDEX CONCURRENTLY orders_status_idx ON orders (status); --! transaction
=== constraint NOT VALID and its validation in one transaction
ALTER TABLE order_items ADD CONSTRAINT order_items_product_fk
    FOREIGN KEY (product_id) REFERENCES products (id) NOT VALID;
ALTER TABLE order_items VALIDATE CONSTRAINT order_items_product_fk; --! transaction
=== backfill of the whole table while its ALTER TABLE lock is held
ALTER TABLE customers ADD COLUMN email_lower text;
UPDATE customers SET email_lower = lower(email); --! transaction
=== COMMIT inside a file that is already a transaction
BEGIN; --! transaction
ALTER TABLE customers ADD COLUMN locale text;
COMMIT; --! transaction
